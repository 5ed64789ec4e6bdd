import t from 'tap'
import { createGate } from '../../worker/gate.ts'

const turn = () => new Promise(setImmediate)

t.test('many come in at once', async t => {
  const gate = createGate()
  t.ok(await gate.enter(false))
  t.ok(await gate.enter(false))
})

t.test('one that comes alone waits until all others have left', async t => {
  const gate = createGate()
  const leaveFirst = await gate.enter(false)
  const leaveSecond = await gate.enter(false)
  let isIn = false
  const alone = gate.enter(true)?.then(leave => {
    isIn = true
    return leave
  })
  leaveFirst?.()
  await turn()
  t.notOk(isIn)
  leaveSecond?.()
  t.ok(await alone)
})

t.test('nobody comes in from the coming of a lone one to its leaving', async t => {
  const gate = createGate()
  const leaveFirst = await gate.enter(false)
  const alone = gate.enter(true)
  t.equal(gate.enter(false), undefined, 'while it waits')
  t.equal(gate.enter(true), undefined, 'not even another lone one')
  leaveFirst?.()
  const leave = await alone
  t.equal(gate.enter(false), undefined, 'while it is inside')
  let isOpen = false
  const open = gate.whenOpen().then(() => {
    isOpen = true
  })
  await turn()
  t.notOk(isOpen)
  leave?.()
  await open
  t.notOk(gate.closing.aborted)
  t.ok(await gate.enter(false))
})

t.test('a closed gate lets nobody in any more and keeps nobody waiting', async t => {
  const gate = createGate()
  const leave = await gate.enter(true)
  const waiting = gate.whenOpen()
  gate.close()
  await waiting
  leave?.()
  t.equal(gate.enter(false), undefined)
  t.ok(gate.closing.aborted)
})

t.test('one that waits to come in alone when the gate closes is not let in', async t => {
  const gate = createGate()
  const leave = await gate.enter(false)
  const alone = gate.enter(true)
  gate.close()
  t.equal(await alone, undefined)
  leave?.()
})
