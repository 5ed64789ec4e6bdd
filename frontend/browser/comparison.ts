import { find } from './elements.ts'

/** Pictures of at most so many pixels a side are enlarged, each pixel to a square of its own. */
const SMALL_SIDE = 256
/** How many times as large as it is a picture is shown; the first time as large as there is room for it. */
const STEPS = [1, 2, 4, 8, 16]
/** How high the stage is at most, in CSS pixels, and as a part of the window. */
const MOST_HEIGHT = 640
const MOST_OF_WINDOW = 0.7

/** Lets a slider decide how much of the result covers the upload: by mouse, finger and keys, as a range does it, or on the picture. */
export function enhanceComparison(figure: HTMLElement): void {
  const slider = find(figure, 'input[type=range]', HTMLInputElement)
  const stage = find(figure, '.stage', HTMLElement)
  const layers = find(stage, '.layers', HTMLElement)
  const after = find(figure, '.after', HTMLImageElement)
  const [nearer, farther] = [find(figure, '.in', HTMLButtonElement), find(figure, '.out', HTMLButtonElement)]
  const factorSaid = find(figure, '.factor', HTMLElement)
  let step = 0

  const cut = () => {
    stage.style.setProperty('--cut', `${slider.value}%`)
    slider.setAttribute('aria-valuetext', `${slider.value} % before`)
  }
  const size = () => {
    const { naturalWidth: width, naturalHeight: height } = after
    if (width === 0) return
    const most = Math.min(MOST_HEIGHT, innerHeight * MOST_OF_WINDOW)
    const side = Math.max(width, height)
    const isSmall = side <= SMALL_SIDE
    const enlarged = isSmall ? Math.floor(SMALL_SIDE / side) : 1
    const factor = STEPS[step] ?? 1
    const shown = width * enlarged * factor
    stage.style.setProperty('--most', `${most}px`)
    stage.style.setProperty('--width', `${factor === 1 ? Math.min(shown, (most * width) / height) : shown}px`)
    stage.classList.toggle('crisp', isSmall || factor > 1)
    stage.classList.toggle('zoomed', factor > 1)
    // What scrolls has to be reached by keys as well.
    stage.tabIndex = factor > 1 ? 0 : -1
    factorSaid.textContent = factor === 1 ? '' : `${factor} times`
    farther.disabled = step === 0
    nearer.disabled = step === STEPS.length - 1
  }
  /** What is in the middle stays there. */
  const zoom = (by: number) => {
    const { scrollLeft, scrollTop, clientWidth, clientHeight, scrollWidth, scrollHeight } = stage
    const [x, y] = [
      (scrollLeft + clientWidth / 2) / scrollWidth,
      (scrollTop + clientHeight / 2) / scrollHeight,
    ]
    step = Math.min(Math.max(0, step + by), STEPS.length - 1)
    size()
    stage.scrollTo(
      x * stage.scrollWidth - stage.clientWidth / 2,
      y * stage.scrollHeight - stage.clientHeight / 2,
    )
  }
  const drag = ({ clientX }: PointerEvent) => {
    const { left, width } = layers.getBoundingClientRect()
    slider.value = String(((clientX - left) / width) * 100)
    cut()
  }

  slider.addEventListener('input', cut)
  stage.addEventListener('pointerdown', event => {
    // A large one is moved about instead.
    if (step > 0 || event.button !== 0) return
    stage.setPointerCapture(event.pointerId)
    drag(event)
  })
  stage.addEventListener('pointermove', event => {
    if (stage.hasPointerCapture(event.pointerId)) drag(event)
  })
  after.addEventListener('load', size)
  nearer.addEventListener('click', () => zoom(1))
  farther.addEventListener('click', () => zoom(-1))
  cut()
  if (after.complete) size()
  figure.classList.add('live')
}
