import { open, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { makeFolders, openFolder } from '../storage/engines/folder.ts'
import { freePorts } from '../test/system/ports.ts'
import { openClient } from './client.ts'
import { askVersion, openDaemon } from './daemon.ts'
import type { ImageStore } from './image-store.ts'

/** Not every user looks for programs where Debian has this one. */
const PROGRAMS = ['nginx', '/usr/sbin/nginx']
/** Of those that can put. */
const VERSION = /nginx version: nginx\/(\S+).*--with-http_dav_module/s

export interface Nginx extends ImageStore {
  /**
   * Puts an image and does for it what storage does before it answers, by the same means: an fsync of the file, and one of
   * its folder, which all share who wait. Here it costs the client, there the server.
   */
  putDurably(id: number, image: Buffer): Promise<void>
}

/** An nginx that is installed and can put; undefined when there is none. */
export function findNginx(): { readonly program: string; readonly version: string } | undefined {
  for (const program of PROGRAMS) {
    const version = askVersion(program, '-V', VERSION)
    if (version !== undefined) return { program, version }
  }
  return undefined
}

/**
 * As whoever serves files would have it: a worker a core, sendfile, no log; images in the folders that storage has, by the first
 * digit of the id. A put goes to a file beside and gets its name once it is whole, which nobody waits for to be on disk.
 */
export async function openNginx(program: string, folder: string, connections: number): Promise<Nginx> {
  const images = join(folder, 'nginx')
  const incoming = join(folder, 'nginx-incoming')
  const paths = Array.from({ length: 10 }, (_, digit) => join(images, String(digit)))
  await makeFolders([incoming, ...paths])
  const folders = await Promise.all(paths.map(path => openFolder(path, endAtOnce)))
  const [port = 0] = await freePorts(1)
  const config = join(folder, 'nginx.conf')
  await writeFile(config, configOf({ folder, images, incoming, port }))
  const client = openClient(`http://127.0.0.1:${port}`, connections)
  const daemon = await openDaemon({
    command: [program, '-e', 'stderr', '-c', config],
    log: join(folder, 'nginx.log'),
    async isReady() {
      await client.ask({ method: 'GET', path: '/ready' })
      return true
    },
  })
  const digitOf = (id: number) => Number(String(id)[0])
  const pathOf = (id: number) => `/${digitOf(id)}/${id}`
  const put = async (id: number, image: Buffer) => {
    await client.ask({ method: 'PUT', path: pathOf(id), body: image })
  }
  return {
    name: 'nginx',
    pid: daemon.pid,
    put,
    async putDurably(id, image) {
      await put(id, image)
      const handle = await open(join(images, pathOf(id)))
      await handle.sync()
      await handle.close()
      await folders[digitOf(id)]?.sync()
    },
    get: id => client.fetch({ method: 'GET', path: pathOf(id) }),
    async remove(id) {
      await client.ask({ method: 'DELETE', path: pathOf(id) })
    },
    async close() {
      await client.close()
      await daemon.close()
      await Promise.all(folders.map(one => one.close()))
    },
  }
}

interface Places {
  readonly folder: string
  readonly images: string
  readonly incoming: string
  readonly port: number
}

/** Beyond its own settings as many requests a connection as the services take, and larger steps for large images. */
function configOf({ folder, images, incoming, port }: Places): string {
  return `
    daemon off;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes ${cpus().length};
    pid "${folder}/nginx.pid";
    events { worker_connections 1024; }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      keepalive_requests 10000;
      client_max_body_size 0;
      client_body_temp_path "${incoming}";
      client_body_buffer_size 128k;
      default_type image/png;
      server {
        listen 127.0.0.1:${port};
        root "${images}";
        location / { dav_methods PUT DELETE; }
        location = /ready { return 204; }
      }
    }
  `
}

function endAtOnce(error: unknown): never {
  throw error
}
