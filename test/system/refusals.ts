import { broken } from '../images/broken.ts'
import { chunk } from '../images/chunk.ts'
import { encodePng } from '../images/encode.ts'
import { plain } from '../images/formats.ts'

/** Ids of tasks in every state that is refused something. */
export interface Tasks {
  readonly waiting: string
  readonly finished: string
  readonly failed: string
}

/** A request that is refused, beside what the contract says of its parameters: those are tried for every route. */
export interface Refused {
  /** In words, after the route: `of nobody's task`. */
  readonly of: string
  readonly status: 400 | 403 | 404 | 409 | 413 | 415 | 422
  readonly query?: (tasks: Tasks) => Readonly<Record<string, string>>
  readonly body?: (tasks: Tasks) => Buffer
  readonly lines?: readonly string[]
  /** A page is shown instead of a line. */
  readonly isPage?: boolean
}

/** Most bytes of an upload in the system that is asked. */
export const MAX_UPLOAD_BYTES = 100_000

const NOBODY = '4503599627370495'
const image = encodePng(plain)
const notPng = Buffer.from('GIF89a\x01\0\x01\0\0\0\0;', 'latin1')
const brokenHeader = broken().find(({ status }) => status === 422)?.bytes ?? Buffer.alloc(0)
const manyPixels = broken().find(({ status }) => status === 413)?.bytes ?? Buffer.alloc(0)
const large = encodePng({ ...plain, after: [chunk('teSt', Buffer.alloc(MAX_UPLOAD_BYTES))] })
const announced = ['Content-Length: 10000000000']

const unknown: Refused = {
  of: 'for nobody’s task',
  status: 404,
  query: () => ({ id: NOBODY, token: 'nobody' }),
}
const unknownImage: Refused = { of: 'for nobody’s image', status: 404, query: () => ({ id: NOBODY }) }
const notInProgress: Refused = {
  of: 'for a task that waits',
  status: 409,
  query: ({ waiting }) => ({ id: waiting, token: 'nobody' }),
}
const notReady: Refused = { of: 'before it is ready', status: 409, query: ({ waiting }) => ({ id: waiting }) }
const hasFailed: Refused = {
  of: 'of a task that failed',
  status: 422,
  query: ({ failed }) => ({ id: failed }),
}
const longReason: Refused = { of: 'with a long reason', status: 413, lines: announced }

const json = (value: unknown) => () => Buffer.from(JSON.stringify(value))
const picture = (bytes: Buffer) => () => bytes
const form =
  (bytes: Buffer, field = 'uploadfile') =>
  () =>
    Buffer.concat([
      Buffer.from(`--edge\r\nContent-Disposition: form-data; name="${field}"; filename="a.png"\r\n\r\n`),
      bytes,
      Buffer.from('\r\n--edge--\r\n'),
    ])
const asForm = ['Content-Type: multipart/form-data; boundary=edge']

/** What each route refuses, by service and route. A route that is not named here has no test. */
export const refusals: Readonly<Record<string, readonly Refused[]>> = {
  'kv-store GET /get': [{ of: 'for nobody’s key', status: 404, query: () => ({ key: 'nobody' }) }],
  'kv-store POST /set': [
    { of: 'with an instance and no ttl', status: 400, query: () => ({ instance: 'one' }) },
    { of: 'with a ttl and no instance', status: 400, query: () => ({ ttl: '1' }) },
  ],
  'kv-store DELETE /remove': [],
  'kv-store GET /list': [],
  'kv-store GET /getAll': [],
  'kv-store GET /watch': [],

  'database POST /newTask': [],
  'database GET /getById': [unknown],
  'database POST /getNewTask': [],
  'database POST /endAsks': [],
  'database POST /renewTask': [unknown, notInProgress],
  'database POST /releaseTask': [unknown, notInProgress],
  'database POST /failTask': [unknown, notInProgress, longReason],
  'database POST /finishTask': [
    unknown,
    notInProgress,
    { of: 'without a token, of a task that waits', status: 409, query: ({ waiting }) => ({ id: waiting }) },
  ],
  'database POST /setById': [
    { of: 'for nobody’s task', status: 404, body: json({ id: Number(NOBODY), state: 3 }) },
    {
      of: 'for a task that has ended',
      status: 409,
      body: ({ finished }) => Buffer.from(`{"id":${finished},"state":0}`),
    },
    { of: 'with a body that is no JSON', status: 400, body: () => Buffer.from('{') },
    { of: 'without a body', status: 400 },
    { of: 'without a state', status: 400, body: json({ id: 7 }) },
    { of: 'with a state that is none', status: 400, body: json({ id: 7, state: 4 }) },
    { of: 'with a large body', status: 413, lines: announced },
  ],
  'database POST /deleteTask': [
    {
      of: 'that has not ended, if it must have',
      status: 409,
      query: ({ waiting }) => ({ id: waiting, endedMs: '0' }),
    },
  ],
  'database GET /changes': [],
  'database GET /getByIds': [],
  'database GET /list': [],
  'database GET /overview': [],

  'storage POST /sendImage': [
    { of: 'with a large body', status: 413, lines: announced },
    {
      of: 'where there is one',
      status: 409,
      query: ({ waiting }) => ({ id: waiting, create: '1' }),
      body: picture(image),
    },
    {
      of: 'with an attempt of an upload',
      status: 400,
      query: () => ({ attempt: '1' }),
      body: picture(image),
    },
    {
      of: 'with create and attempt',
      status: 400,
      query: () => ({ state: 'finished', create: '1', attempt: '1' }),
      body: picture(image),
    },
  ],
  'storage GET /getImage': [
    unknownImage,
    { of: 'with an attempt of an upload', status: 400, query: () => ({ attempt: '1' }) },
  ],
  'storage DELETE /deleteImage': [
    { of: 'with an attempt of an upload', status: 400, query: () => ({ attempt: '1' }) },
  ],
  'storage GET /images': [],

  'master POST /new': [
    { of: 'with a large body', status: 413, lines: announced },
    { of: 'with many bytes', status: 413, body: picture(large) },
    { of: 'with many pixels', status: 413, body: picture(manyPixels) },
    { of: 'without a body', status: 415 },
    { of: 'with what is no PNG', status: 415, body: picture(notPng) },
    { of: 'with a broken PNG', status: 422, body: picture(brokenHeader) },
  ],
  'master GET /get': [unknownImage, notReady, hasFailed],
  'master GET /isReady': [unknownImage, hasFailed],
  'master POST /getNewTask': [],
  'master POST /registerTaskFinished': [unknown, notInProgress, notReady],
  'master POST /endAsks': [],
  'master POST /renewTask': [unknown, notInProgress],
  'master POST /releaseTask': [unknown, notInProgress],
  'master POST /failTask': [unknown, notInProgress, longReason],
  'master GET /changes': [],
  'master GET /getByIds': [],
  'master POST /tryAgain': [unknownImage],
  'master GET /terms': [],
  'master GET /overview': [],
  'master DELETE /delete': [],

  'frontend GET /': [],
  'frontend POST /submitTask': [
    { of: 'without a form', status: 400, body: picture(image) },
    { of: 'without a file', status: 400, lines: asForm, body: () => Buffer.from('--edge--\r\n') },
    { of: 'with another field', status: 400, lines: asForm, body: form(image, 'picture') },
    { of: 'with many bytes', status: 413, lines: asForm, body: form(large) },
    { of: 'with many pixels', status: 413, lines: asForm, body: form(manyPixels) },
    { of: 'with what is no PNG', status: 415, lines: asForm, body: form(notPng) },
    { of: 'with an empty file', status: 415, lines: asForm, body: form(Buffer.alloc(0)) },
    { of: 'with a broken PNG', status: 422, lines: asForm, body: form(brokenHeader) },
    {
      of: 'from another site’s page',
      status: 403,
      lines: [...asForm, 'Origin: http://evil.example'],
      body: form(image),
    },
  ],
  'frontend GET /isReady': [unknownImage, hasFailed],
  'frontend GET /getImage': [unknownImage, notReady, hasFailed],
  'frontend GET /getImages': [
    {
      of: 'of which none is ready',
      status: 409,
      query: ({ waiting, failed }) => ({ ids: `${waiting},${failed}` }),
    },
  ],
  'frontend POST /tryAgain': [unknownImage],
  'frontend POST /deleteTask': [unknownImage],
  'frontend GET /events': [{ of: 'of nobody’s tasks', status: 404, query: () => ({ ids: `${NOBODY},1` }) }],
  'frontend GET /page.js': [],
  'frontend GET /task': [unknownImage, { ...hasFailed, isPage: true }],
  'frontend GET /status': [{ of: 'without the secret', status: 404 }],
}

/** Values that a parameter does not take. A parameter that is not named here has no test. */
export const malformed: Readonly<Record<string, readonly string[]>> = {
  id: ['', 'x', '-1', '07', '9007199254740992'],
  state: ['', 'lost', '0'],
  token: ['', 'x'.repeat(201)],
  next: ['', 'x'.repeat(201)],
  worker: ['', 'x'.repeat(201)],
  key: ['', 'x'.repeat(1_001)],
  value: ['', 'x'.repeat(10_001)],
  instance: ['', 'x'.repeat(201)],
  ttl: ['', '0', '86401', '1.5'],
  since: ['', '-1', 'x'],
  wait: ['', '-1', 'x', '1e3'],
  retry: ['', '2', 'true'],
  ended: ['', '2', 'true'],
  create: ['', '2', 'true'],
  attempt: ['', '-1', 'x'],
  ids: ['', '1,', '-1', '1,07', '1,x', Array(501).fill('1').join(',')],
  pause: ['', '-1', '60001'],
  steps: ['', '1.', '1.2.3.4', '-1', '1.x'],
  olderThanMs: ['', '-1', 'x'],
  endedMs: ['', '-1', 'x'],
  maxBytes: ['', '-1', 'x'],
  after: ['x'.repeat(101)],
  limit: ['', '0', '1001'],
  v: ['x'.repeat(101)],
  names: ['x'.repeat(8_001)],
}
