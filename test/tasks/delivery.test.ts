import t from 'tap'
import { databaseContract } from '../../database/contract.ts'
import { storageContract } from '../../storage/contract.ts'
import { createDelivery } from '../../tasks/delivery.ts'
import { isReady, waitUntilReady } from '../../tasks/readiness.ts'
import { openDouble } from './double.ts'

t.test('a service that does not let us in is away for who waits for an image, or fetches it', async t => {
  const away = { code: 'unavailable' }
  const askRetention = async () => undefined
  for (const status of [401, 403]) {
    const refuse = () => ({ status, text: 'Error: The secret is wrong.\n' })
    const { link: storage } = await openDouble(t, storageContract, 'ours', refuse)
    const { link: closed } = await openDouble(t, databaseContract, 'ours', refuse)
    const { link: open } = await openDouble(t, databaseContract, 'ours', () => ({
      text: '{"id":7,"state":2}',
    }))
    await t.rejects(isReady(closed, 7), away)
    await t.rejects(waitUntilReady(closed, 7, 5, new AbortController().signal), away)
    for (const database of [closed, open]) {
      const deliver = createDelivery({ database, storage, askRetention })
      for (const state of ['working', 'finished'] as const) await t.rejects(deliver({ id: 7, state }), away)
    }
  }
})
