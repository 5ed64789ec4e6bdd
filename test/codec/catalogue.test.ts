import t from 'tap'
import { broken } from '../images/broken.ts'
import { catalogue } from '../images/catalogue.ts'
import { differences } from '../oracle/compare.ts'
import { swap } from './build.ts'

t.test('every picture of the catalogue comes out with red and green exchanged and nothing else', async t => {
  for (const { name, bytes } of catalogue()) t.same(differences(bytes, await swap(bytes)), [], name)
})

t.test('every broken picture is refused with a reason that names what is wrong', async t => {
  for (const { name, bytes, reason } of broken()) {
    const refusal = await swap(bytes).then(
      () => 'it was taken',
      (error: Error) => error.message,
    )
    t.match(refusal, reason, name)
  }
})
