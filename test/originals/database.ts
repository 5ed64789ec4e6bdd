import { collect, enter, numberOf, places, portOf, refuse, say, serve } from './http.ts'

/** The original database: tasks in memory, counted from 0, back after 120 s. `database OWN KV [RETURN_MS]` */
const [own = '', kv = '', returnMs = '120000'] = places('OWN', 'KV')
interface Task {
  readonly id: number
  state: number
}
const tasks: Task[] = []

const find = (id: number): Task => {
  const task = tasks[id]
  if (task === undefined) throw new Error('Wrong input')
  return task
}

await serve(portOf(own), {
  GET: {
    '/getById': ({ query }) => say(JSON.stringify(find(numberOf(query, 'id')))),
    '/list': () => say(tasks.map(({ id, state }) => `${id} :  id: ${id}  state: ${state}\n`).join('')),
  },
  POST: {
    '/newTask': () => {
      const id = tasks.length
      tasks.push({ id, state: 0 })
      return say(String(id))
    },
    '/getNewTask': () => {
      const task = tasks.find(({ state }) => state === 0)
      if (task === undefined) return refuse('No non-started task.')
      task.state = 1
      const giveBack = () => {
        if (task.state === 1) task.state = 0
      }
      setTimeout(giveBack, Number(returnMs))
      return say(JSON.stringify(task))
    },
    '/finishTask': ({ query }) => {
      const task = find(numberOf(query, 'id'))
      if (task.state !== 1) return refuse('Wrong input')
      task.state = 2
      return say('success')
    },
    '/setById': async ({ request }) => {
      const { id, state } = JSON.parse(String(await collect(request))) as Task
      if (!Number.isInteger(state) || state < 0 || state > 2) return refuse('Wrong input')
      find(id).state = state
      return say('success')
    },
  },
})
await enter(kv, 'databaseAddress', own)
