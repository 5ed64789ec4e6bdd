/** The element of that selector. Throws where there is none: the page and its script are made together. */
export function find<E extends Element>(root: ParentNode, selector: string, kind: new () => E): E {
  const found = root.querySelector(selector)
  if (found instanceof kind) return found
  throw new Error(`there is no ${selector}`)
}

/** What a template of the page holds, made anew: its one element. */
export function make<E extends Element>(template: string, kind: new () => E): E {
  const { content } = find(document, `template#${template}`, HTMLTemplateElement)
  return find(document.importNode(content, true), '*', kind)
}
