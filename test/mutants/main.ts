import { allInvariants, invariants } from '../../faults/findings.ts'
import { Failure, runScript } from '../../scripts/failure.ts'
import { mutants } from './mutants.ts'
import { tryMutant, type Verdict } from './trial.ts'

const help = `scripts/mutants.sh [INVARIANT...]

Plants each bug of test/mutants/mutants.ts in a copy, brings a fault about, and shows which invariants were found broken: a
table of invariant and bug, all red when the harness sees what it should. Ends with status 1 when one was not seen.
`

const say = (line: string) => process.stdout.write(`${line}\n`)

await runScript('mutants', async () => {
  const wanted = process.argv.slice(2)
  if (wanted.includes('--help')) {
    process.stdout.write(help)
    return 0
  }
  const unknown = wanted.find(name => !(name in invariants))
  if (unknown !== undefined) throw new Failure(`there is no invariant ${unknown}; see --help`, 2)
  const seed = Date.now() % 1e6
  const verdicts: Verdict[] = []
  for (const mutant of mutants) {
    if (wanted.length > 0 && !wanted.includes(mutant.invariant)) continue
    const verdict = await tryMutant(mutant, seed)
    verdicts.push(verdict)
    say(`${verdict.isRed ? 'red ' : 'GREEN'} ${mutant.invariant} ${mutant.name}: ${verdict.found}`)
  }
  say('\n| invariant | bug | shown by | |\n|---|---|---|---|')
  for (const invariant of allInvariants)
    for (const { mutant, isRed } of verdicts)
      if (mutant.invariant === invariant)
        say(
          `| ${invariant} | ${mutant.name} | ${mutant.shownBy.fault}, ${mutant.shownBy.rounds} rounds | ${isRed ? 'red' : 'not seen'} |`,
        )
  return verdicts.every(({ isRed }) => isRed) ? 0 : 1
})
