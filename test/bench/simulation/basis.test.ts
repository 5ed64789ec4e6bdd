import t from 'tap'
import { createBasis } from '../../../bench/simulation/basis.ts'
import type { Measured } from '../../../bench/simulation/measured.ts'
import { icon, photograph } from './measured.ts'

t.test(
  'how many share is simulated for each row, but for photographs the log is shared as icons did',
  async t => {
    const icons: Measured = { says: 'icons', rate: 1, cpu: icon }
    const others: Measured = { says: 'others', rate: 1, cpu: icon }
    const photographs: Measured = { says: 'photographs', kind: 'photographs', rate: 1, cpu: photograph }
    const shared = new Map([
      [icons, { operations: 2, images: 3 }],
      [others, { operations: 4, images: 5 }],
      [photographs, { operations: 1.5, images: 1 }],
    ])
    const rows: string[] = []
    const basisOf = createBasis({
      icons,
      transactionMs: 0.2,
      shareIn(row) {
        rows.push(row.says)
        return shared.get(row) ?? { operations: 1, images: 1 }
      },
    })
    t.same(basisOf(icons), { transactionMs: 0.2, shared: { operations: 2, images: 3 } })
    t.same(basisOf(others).shared, { operations: 4, images: 5 })
    t.same(basisOf(photographs).shared, { operations: 1.5, images: 3 })
    t.same(rows, ['icons', 'icons', 'others', 'others', 'photographs', 'photographs'])
  },
)
