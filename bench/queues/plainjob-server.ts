import { createServer } from 'node:http'
import { openPlainFile } from './plain-file.ts'

/** plainjob behind routes like those of the database: `node plainjob-server.js PORT FILE`. */
const [port, path = ''] = process.argv.slice(2)
const file = openPlainFile(path)
const routes: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
  '/newTask': query => file.add(Number(query.get('count'))),
  '/getNewTask': () => file.take()?.id,
  '/finishTask': query => file.finish(Number(query.get('id'))),
  '/finished': () => file.countFinished(),
}

const server = createServer((request, response) => {
  const [name = '', query] = request.url?.split('?') ?? []
  const answer = routes[name]?.(new URLSearchParams(query))
  response.statusCode = answer === undefined ? 204 : 200
  response.end(answer === undefined ? undefined : String(answer))
})
server.listen(Number(port), '127.0.0.1')
