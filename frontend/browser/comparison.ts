import { find } from './elements.ts'

/** Pictures of at most so many pixels a side are enlarged, each pixel to a square of its own. */
const SMALL_SIDE = 256
const STEPS = [1, 2, 4, 8, 16]

/** Lets a slider decide how much of the result covers the upload: by mouse, finger and keys, as a range does it. */
export function enhanceComparison(figure: HTMLElement): void {
  const slider = find(figure, 'input[type=range]', HTMLInputElement)
  const stage = find(figure, '.stage', HTMLElement)
  const after = find(figure, '.after', HTMLImageElement)
  const zoom = find(figure, '.zoom', HTMLButtonElement)
  let step = 0

  const cut = () => stage.style.setProperty('--cut', `${slider.value}%`)
  const size = () => {
    const { naturalWidth: width, naturalHeight: height } = after
    if (width === 0) return
    const side = Math.max(width, height)
    const isSmall = side <= SMALL_SIDE
    const enlarged = isSmall ? Math.floor(SMALL_SIDE / side) : 1
    const factor = STEPS[step] ?? 1
    stage.style.setProperty('--width', `${width * enlarged * factor}px`)
    stage.classList.toggle('crisp', isSmall || factor > 1)
    stage.classList.toggle('zoomed', factor > 1)
    // What scrolls has to be reached by keys as well.
    stage.tabIndex = factor > 1 ? 0 : -1
    zoom.textContent = factor === 1 ? 'Zoom in' : `${factor} times`
    zoom.setAttribute('aria-pressed', String(factor > 1))
  }

  slider.addEventListener('input', cut)
  after.addEventListener('load', size)
  zoom.addEventListener('click', () => {
    step = (step + 1) % STEPS.length
    size()
  })
  cut()
  if (after.complete) size()
  figure.classList.add('live')
}
