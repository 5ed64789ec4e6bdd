/** What this process makes from now on, files and folders, nobody but its user may read: pictures, ids, the supervisor's logs. */
export function keepToOneself(): void {
  process.umask(0o077)
}
