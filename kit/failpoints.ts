/**
 * Every step at which a service can be made to fail, and what has been done by then. The list is closed. It stands here as
 * a whole, the one place of the kit that names what services do: a wrong name must not start.
 */
export const failpoints = {
  'kv-store.file.opened': 'the file is open and has its table',
  'kv-store.turn.begun': 'a transaction is begun',
  'kv-store.turn.written': 'what was asked is written, and not committed',
  'kv-store.turn.committed': 'all is on disk, and nobody was told',
  'kv-store.value.set': 'a plain value is written, and not committed',
  'kv-store.lease.set': 'an instance’s entry is made or renewed, in memory, and nobody was told',
  'kv-store.entry.removed': 'a plain value is taken out, and that is not committed',

  'database.file.opened': 'the file is open and has its tables; the leases that run have not been extended',
  'database.turn.begun': 'a transaction is begun',
  'database.turn.written': 'what was asked is written; leases and grants are not looked at yet',
  'database.turn.settled': 'all is written, and not committed',
  'database.turn.committed': 'all is on disk, and nobody was told',
  'database.task.inserted': 'a new task is written, and not committed',
  'database.task.granted': 'a grant is written, and not committed',
  'database.task.renewed': 'a longer lease is written, and not committed',
  'database.task.finished': 'the end of a task is written, and not committed',
  'database.task.removed': 'a task is taken out, and that is not committed',

  'storage.folders.made': 'the folders are there, with their names on disk; nothing was read',
  'storage.leftover.swept': 'a temporary file that another process left is gone',
  'storage.file.opened': 'a temporary file is made, and is empty',
  'storage.file.written': 'image and seal are written to the temporary file, and not synced',
  'storage.file.synced': 'image and seal are on disk, under the temporary name',
  'storage.log.written': 'small images are on disk in the log, and have no names yet',
  'storage.log.emptied': 'what a half of the log held is on disk in its files',
  'storage.image.named': 'the image has its name, which is not synced',
  'storage.folder.synced': 'the names of a folder are on disk, and nobody was told',
  'storage.file.discarded': 'the temporary name is gone',
  'storage.file.found': 'the file of an image is open, and nothing of it was read',
  'storage.image.removed': 'an image is gone, which is not synced',

  'master.image.stored': 'an upload is in storage, and has no task',
  'master.task.made': 'an upload has its task, and nobody was told',
  'master.task.granted': 'a task is granted, and its worker was not told',
  'master.task.finished': 'the database took a finish, and the worker was not told',
  'master.task.deleted': 'a task is deleted; its images are there',
  'master.result.deleted': 'the results of a deleted task are gone, its upload is there',
  'master.upload.deleted': 'a deleted task has no image any more, and nobody was told',
  'master.task.swept': 'an old task is deleted; its images are there',
  'master.result.swept': 'the results of an old task or an orphan are gone, its upload is there',
  'master.upload.swept': 'an old task or an orphan has no image any more',
  'master.attempt.swept': 'a result that does not count, or has no task, is gone',

  'worker.task.received': 'a grant has come; nothing was done for it',
  'worker.upload.fetched': 'the upload has begun to come',
  'worker.result.stored': 'the result is in storage; nobody was told',
  'worker.result.trusted': 'the result is stored and believed in; nobody was told',
  'worker.task.finished': 'the database took the finish, and the worker does not know',
  'worker.task.failed': 'the database took a failure, and the worker does not know',
  'worker.task.released': 'the database took a task back, and the worker does not know',

  'frontend.image.stored': 'an upload is in storage, and has no task',
  'frontend.task.made': 'an upload has its task, and the visitor does not know it',
} as const

export type Failpoint = keyof typeof failpoints

type OwnerOf<Name, Step extends string> = Name extends `${infer Service}.${Step}` ? Service : never
/** A service whose transactions are steps. */
export type TurnOwner = OwnerOf<Failpoint, 'turn.begun'>
/** A service that takes uploads in. */
export type IntakeOwner = OwnerOf<Failpoint, 'image.stored'>
