import * as z from 'zod'
import {
  bytes,
  defineContract,
  del,
  flag,
  get,
  id,
  json,
  post,
  success,
  wholeNumber,
} from '../kit/contract.ts'

/** `working`: as uploaded; `finished`: a result. */
export const imageState = z.enum(['working', 'finished'], 'is neither working nor finished')
export type ImageState = z.infer<typeof imageState>

const attempt = wholeNumber(1, Number.MAX_SAFE_INTEGER)

/** The first eight bytes of every PNG (PNG specification, section 5.2). */
export const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** An image that lies there. `attempt` is 0 for an upload and for a plain result. */
export const storedImage = z.object({ id: z.int(), attempt: z.int(), bytes: z.int(), ageMs: z.number() })
export type StoredImage = z.infer<typeof storedImage>

export const storageContract = defineContract({
  service: 'storage',
  key: 'storageAddress',
  routes: {
    sendImage: post('/sendImage', {
      query: {
        id,
        state: imageState,
        create: flag.optional(),
        attempt: attempt.optional(),
        maxBytes: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      },
      body: 'bytes',
      reply: success,
      summary:
        'stores an image, answers once it is on disk; create=1: only if there is none; attempt: a result of its own; maxBytes: how long it is at most when it has no length',
    }),
    getImage: get('/getImage', {
      query: { id, state: imageState, attempt: attempt.optional() },
      reply: bytes('image/png', pngSignature),
      summary:
        'the bytes, verified; of a result without attempt the plain one, else that of the highest attempt',
    }),
    deleteImage: del('/deleteImage', {
      query: {
        id,
        state: imageState,
        attempt: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
        olderThanMs: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
      },
      reply: success,
      summary:
        'removes an image, also when there is none; of `finished` attempt 0 is the plain result, none is all of them; olderThanMs: only what was last written that long ago',
    }),
    images: get('/images', {
      query: {
        state: imageState,
        olderThanMs: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
        after: z.string().max(100).default(''),
        limit: wholeNumber(1, 1_000).default(1_000),
      },
      reply: json(z.array(storedImage.extend({ name: z.string() }))),
      summary: 'what lies there, in order of name, after the name `after`',
    }),
  },
})
