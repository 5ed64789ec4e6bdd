import { z } from 'zod'
import { bytes, defineContract, get, id, idText, post, text } from '../kit/contract.ts'
import { pngSignature } from '../storage/contract.ts'

export const ready = 'Your image is ready.'
export const notReady = 'Your image is not ready yet.'

export const frontendContract = defineContract({
  service: 'frontend',
  key: 'frontendAddress',
  routes: {
    home: get('/', { reply: text(z.string()), summary: 'the page with the form' }),
    submitTask: post('/submitTask', {
      body: 'form',
      reply: text(idText),
      summary:
        'takes an upload, the file field `uploadfile` of a multipart form; a browser is sent on to /task',
    }),
    isReady: get('/isReady', {
      query: { id },
      reply: text(z.enum([ready, notReady])),
      summary: 'whether the result is there',
    }),
    getImage: get('/getImage', {
      query: { id },
      reply: bytes('image/png', pngSignature),
      summary: 'the result',
    }),
    task: get('/task', {
      query: { id },
      reply: text(z.string()),
      summary: 'a page about one task; by Accept JSON, or events up to its end',
    }),
  },
})
