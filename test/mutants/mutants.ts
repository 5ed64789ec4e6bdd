import type { Mutant } from './mutant.ts'

/** Bugs that the harness of faults must see: at least one against each invariant. */
export const mutants: readonly Mutant[] = [
  {
    name: 'the id is answered before the task is on disk',
    invariant: 'I1',
    edits: [
      {
        file: 'tasks/intake.ts',
        find: '    const made = await database.ask.newTask({ id }).catch(error => {',
        replace:
          '    if (id > 0) setTimeout(() => void database.ask.newTask({ id }).catch(() => {}), 50)\n    const made = id > 0 ? id : await database.ask.newTask({ id }).catch(error => {',
      },
    ],
    shownBy: { fault: 'T2', rounds: 8 },
  },
  {
    name: 'the bytes of an image are not put on disk',
    invariant: 'I1',
    edits: [
      {
        file: 'storage/engines/incoming.ts',
        find: '    await file.sync()\n',
        replace: '    await Promise.resolve()\n',
      },
    ],
    shownBy: { fault: 'T4', rounds: 7 },
  },
  {
    name: 'the name of an image is not put on disk',
    invariant: 'I1',
    edits: [
      {
        file: 'storage/engines/files.ts',
        find: 'Promise.all([shelves[image.state].folderOf(image.id).sync(), ',
        replace: 'Promise.all([',
      },
    ],
    shownBy: { fault: 'T4', rounds: 7 },
  },
  {
    name: 'what the log has is not put on disk',
    invariant: 'I1',
    edits: [
      {
        file: 'storage/engines/wal.ts',
        find: '    await opened.syncData()\n',
        replace: '    await Promise.resolve()\n',
      },
    ],
    shownBy: { fault: 'T4', rounds: 2 },
  },
  {
    name: 'nobody reads what a log has',
    invariant: 'I1',
    edits: [
      {
        file: 'storage/engines/recovery.ts',
        find: 'const name of await readdir(path)',
        replace: 'const name of (await readdir(path)).slice(0, 0)',
      },
    ],
    shownBy: { fault: 'T4', rounds: 2 },
  },
  {
    name: 'a log is emptied before its images are on disk',
    invariant: 'I1',
    edits: [
      {
        file: 'storage/engines/wal.ts',
        find: '        await disk.sync()\n        await opened.write',
        replace: '        await opened.write',
      },
    ],
    shownBy: { fault: 'T4', rounds: 4 },
  },
  {
    name: 'the tasks are not put on disk',
    invariant: 'I1',
    edits: [
      {
        file: 'kit/sqlite.ts',
        find: "['synchronous', 2]",
        replace: "['synchronous', path.includes('tasks') ? 1 : 2]",
      },
    ],
    shownBy: { fault: 'T4', rounds: 2 },
  },
  {
    name: 'the plain entries are not put on disk',
    invariant: 'I1',
    edits: [
      {
        file: 'kit/sqlite.ts',
        find: "['synchronous', 2]",
        replace: "['synchronous', path.includes('entries') ? 1 : 2]",
      },
    ],
    shownBy: { fault: 'T4', rounds: 2 },
  },
  {
    name: 'an image that finds no room on the disk is taken for written',
    invariant: 'I1',
    edits: [
      {
        file: 'storage/engines/incoming.ts',
        find: '    else await file.write([data, encodeSeal(seal)])\n',
        replace: '    else await file.write([data, encodeSeal(seal)]).catch(() => {})\n',
      },
      {
        file: 'storage/engines/incoming.ts',
        find: '    await file.write(held)\n',
        replace: '    await file.write(held).catch(() => {})\n',
      },
      {
        file: 'storage/engines/incoming.ts',
        find: '  await file.write([...held, encodeSeal(seal)])\n',
        replace: '  await file.write([...held, encodeSeal(seal)]).catch(() => {})\n',
      },
    ],
    shownBy: { fault: 'T6', rounds: 3 },
  },
  {
    name: 'a result is the upload as it came',
    invariant: 'I2',
    edits: [
      {
        file: 'worker/task.ts',
        find: 'yield* options.swap(input)',
        replace: 'yield* input as AsyncIterable<Buffer>',
      },
    ],
    shownBy: { fault: 'T26', rounds: 1 },
  },
  {
    name: 'a task is made before its image is stored',
    invariant: 'I3',
    edits: [
      {
        file: 'tasks/intake.ts',
        find: "await storage.ask.sendImage({ id, state: 'working', create: 1, maxBytes }, { body: upload })",
        replace:
          "await database.ask.newTask({ id })\n        await storage.ask.sendImage({ id, state: 'working', create: 1, maxBytes }, { body: upload })",
      },
    ],
    shownBy: { fault: 'T26', rounds: 1 },
  },
  {
    name: 'a finish counts whoever says it',
    invariant: 'I4',
    edits: [
      {
        file: 'database/engines/life.ts',
        find: 'if (token === undefined ? !holder.isPlain : holder.token !== token)',
        replace: 'if (token === undefined && !holder.isPlain)',
      },
    ],
    shownBy: { fault: 'T10', rounds: 1 },
  },
  {
    name: 'a flipped bit is not noticed',
    invariant: 'I2',
    edits: [
      {
        file: 'storage/engines/sealed.ts',
        find: 'if (!sha256.equals(seal.sha256)) throw',
        replace: 'if (sha256.length !== seal.sha256.length) throw',
      },
    ],
    shownBy: { fault: 'T8', rounds: 10 },
  },
  {
    name: 'a lost task begins at attempt 0 again',
    invariant: 'I5',
    edits: [
      {
        file: 'database/engines/life.ts',
        find: 'const counted = { ...task, losses: task.losses + 1 }',
        replace: 'const counted = { ...task, losses: task.losses + 1, attempt: 0 }',
      },
    ],
    shownBy: { fault: 'T10', rounds: 2 },
  },
  {
    name: 'what kills its workers is tried for ever',
    invariant: 'I5',
    edits: [
      {
        file: 'database/engines/life.ts',
        find: 'const MOST_LOSSES = 5',
        replace: 'const MOST_LOSSES = 500',
      },
    ],
    shownBy: { fault: 'T12', rounds: 1 },
  },
  {
    name: 'a lease that is over is not taken back',
    invariant: 'I6',
    edits: [
      {
        file: 'database/engines/sqlite.ts',
        find: 'if (nextDue !== undefined && nextDue <= now()) {',
        replace: 'if (nextDue !== undefined && nextDue < 0) {',
      },
    ],
    shownBy: { fault: 'T1', rounds: 12 },
  },
  {
    name: 'what a killed storage left is not swept',
    invariant: 'I7',
    edits: [
      {
        file: 'storage/engines/incoming.ts',
        find: 'if (file !== undefined && Date.now() - file.mtimeMs > abandonedMs) {',
        replace: 'if (file !== undefined && Date.now() - file.mtimeMs > 1e15) {',
      },
    ],
    shownBy: { fault: 'T2', rounds: 8 },
  },
  {
    name: 'an upload that breaks off leaves its file',
    invariant: 'I7',
    edits: [
      {
        file: 'storage/engines/incoming.ts',
        find: '        await remove(name)\n        throw error\n',
        replace: '        throw error\n',
      },
    ],
    shownBy: { fault: 'T19', rounds: 1 },
  },
  {
    name: 'the seal is not that of the image',
    invariant: 'I8',
    edits: [
      {
        file: 'storage/engines/incoming.ts',
        find: 'sha256: hashed()',
        replace: "sha256: hash('sha256', hashed(), 'buffer')",
      },
    ],
    shownBy: { fault: 'T26', rounds: 1 },
  },
  {
    name: 'the entry of a dead service stays',
    invariant: 'I9',
    edits: [
      {
        file: 'kv-store/engines/leases.ts',
        find: 'filter(([, lease]) => lease.endsAt > now())',
        replace: 'filter(([, lease]) => lease.endsAt > 0)',
      },
      {
        file: 'kv-store/engines/leases.ts',
        find: 'filter(([, { endsAt }]) => endsAt <= now())',
        replace: 'filter(([, { endsAt }]) => endsAt < 0)',
      },
    ],
    shownBy: { fault: 'T1', rounds: 6 },
  },
  {
    name: 'a body that breaks off is an error that nobody handles',
    invariant: 'I10',
    edits: [
      {
        file: 'kit/body.ts',
        find: 'export const unheard = () => {}',
        replace: 'export const unheard = (error: unknown) => {\n  throw error\n}',
      },
    ],
    shownBy: { fault: 'T19', rounds: 1 },
  },
  {
    name: 'one result in ten is answered with 500',
    invariant: 'I11',
    edits: [
      {
        file: 'storage/service.ts',
        find: "      if (image === undefined) throw new ServiceError('not-found', 'No such image.')\n",
        replace: "      if (state === 'finished' && id % 10 === 0) throw new Error('planted')\n",
      },
    ],
    shownBy: { fault: 'T0', rounds: 200 },
  },
]
