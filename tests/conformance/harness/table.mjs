// The report: one line per oracle, then what disagrees, then totals. True if the run may pass.
const kFailuresShown = 3;

export function printTable(rows, { print, strict }) {
  const header = ['preset', 'oracle', 'written by', 'signed by', 'cases', 'accepted', 'refused', 'note'];
  const lines = rows.map((row) =>
    [
      row.preset,
      row.oracle,
      row.by,
      row.signer,
      row.cases,
      row.accepted,
      row.refused,
      [
        ...(row.failures.length ? [`${row.failures.length} FAILED`] : []),
        ...(row.known ? [] : ['no such preset yet: package only']),
        ...row.notes,
      ].join('; '),
    ].map(String),
  );
  const widths = header.map((name, i) =>
    Math.max(name.length, ...lines.map((line) => line[i].length)),
  );
  const format = (line) =>
    line
      .map((cell, i) =>
        i === 7 ? cell : i >= 4 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
      )
      .join(' | ')
      .trimEnd();
  print(format(header));
  for (const line of lines) print(format(line));

  for (const row of rows) {
    for (const failure of row.failures.slice(0, kFailuresShown)) {
      print(`\n${row.preset} (${row.oracle}): ${failure.reason}`);
      if (!failure.order) continue;
      print(
        `  ${failure.category}, round ${failure.round}: package ${failure.theirs}, ` +
          `engine ${JSON.stringify(failure.answer)}`,
      );
      print(`  ${JSON.stringify(failure.order).slice(0, 3000)}`);
    }
  }

  const sum = (field) => rows.reduce((total, row) => total + row[field], 0);
  const failed = rows.filter((row) => row.failures.length > 0);
  const unknown = new Set(rows.filter((row) => !row.known).map((row) => row.preset.split(' ')[0]));
  const judged = new Set(rows.filter((row) => row.known).map((row) => row.preset.split(' ')[0]));
  print(
    `\ntotals: ${rows.length} oracles, ${judged.size} presets judged, ${sum('cases')} cases, ` +
      `${sum('accepted')} accepted, ${sum('refused')} refused, ${failed.length} oracles failed`,
  );
  const written = new Set(
    rows.filter((row) => row.known && row.by === 'provider').map((row) => row.preset.split(' ')[0]),
  );
  print(`presets with an oracle that their provider wrote: ${written.size}`);
  print(`oracles that sign themselves: ${rows.filter((row) => row.signer === 'package').length}`);
  if (unknown.size > 0) print(`unknown presets (${unknown.size}): ${[...unknown].join(', ')}`);
  return failed.length === 0 && rows.length > 0 && !(strict && unknown.size > 0);
}
