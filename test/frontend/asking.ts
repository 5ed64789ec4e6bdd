import { FormData, request } from 'undici'

/** Asks for something. */
export async function get(url: string, headers: Record<string, string> = {}) {
  const answer = await request(url, { headers })
  return { status: answer.statusCode, headers: answer.headers, text: (await answer.body.text()).trim() }
}

/** Sends a form, or what is none. */
export async function submit(url: string, form: FormData | string, headers: Record<string, string> = {}) {
  const answer = await request(`${url}/submitTask`, { method: 'POST', body: form, headers })
  return { status: answer.statusCode, headers: answer.headers, text: (await answer.body.text()).trim() }
}

/** A form with a file. */
export function formWith(bytes: Buffer, field = 'uploadfile'): FormData {
  const form = new FormData()
  form.set(field, new Blob([new Uint8Array(bytes)]), 'a.png')
  return form
}
