import { openSqliteTasks } from '../../database/engines/sqlite.ts'

/** So few that the table has caught up with some of them wherever the kill comes. */
const mostBehind = 20
/** Inserts, takes and finishes tasks until it is killed; says what it was told is done, a line each. */
const engine = openSqliteTasks({ path: process.argv[2] ?? ':memory:', mostBehind })
const say = (line: string) => process.stdout.write(`${line}\n`)

async function work(): Promise<never> {
  for (;;) {
    say(`made ${await engine.newTask()}`)
    const granted = await engine.take({ isPlain: false })
    if (granted?.grant.token === undefined) continue
    const { id, token } = granted.grant
    await engine.finish(id, token)
    say(`finished ${id}`)
  }
}

await Promise.all(Array.from({ length: 4 }, work))
