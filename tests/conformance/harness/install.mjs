// Puts the packages of the oracles into the build directory. Each set is installed once per content
// of its list of versions; later runs look at a stamp and need no network.
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const kNpmFlags = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--legacy-peer-deps',
  '--omit=optional',
  '--loglevel=error',
];

async function once(folder, files, install) {
  const hash = crypto.createHash('sha256');
  for (const file of files) hash.update(fs.readFileSync(file));
  const digest = hash.digest('hex');
  const stamp = path.join(folder, '.installed');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === digest) return;
  fs.rmSync(stamp, { force: true });
  await install();
  fs.writeFileSync(stamp, digest);
}

// A failure carries what the command printed.
const run = promisify(execFile);

// A copy beside node_modules, so that the oracles find their packages by the usual rules.
export async function installNpm(source, work) {
  const folder = path.join(work, 'npm');
  fs.mkdirSync(folder, { recursive: true });
  fs.rmSync(path.join(folder, 'oracles'), { recursive: true, force: true });
  for (const name of ['package.json', 'package-lock.json', 'kit.mjs', 'oracles']) {
    fs.cpSync(path.join(source, name), path.join(folder, name), { recursive: true });
  }
  await once(folder, [path.join(source, 'package-lock.json')], () =>
    run('npm', ['ci', ...kNpmFlags], { cwd: folder }),
  );
  return folder;
}

export async function installPython(source, work, python) {
  const folder = path.join(work, 'python');
  const requirements = path.join(source, 'requirements.txt');
  fs.mkdirSync(folder, { recursive: true });
  await once(folder, [requirements], async () => {
    await run(python, ['-m', 'venv', '--clear', path.join(folder, 'venv')]);
    await run(path.join(folder, 'venv/bin/python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '-r',
      requirements,
    ]);
  });
  return path.join(folder, 'venv/bin/python');
}

export async function buildGo(source, work, go) {
  const folder = path.join(work, 'go');
  fs.mkdirSync(folder, { recursive: true });
  const binary = path.join(folder, 'oracles');
  const inputs = fs
    .readdirSync(source)
    .filter((name) => /\.go$|^go\./.test(name))
    .sort();
  await once(
    folder,
    inputs.map((name) => path.join(source, name)),
    () =>
      run(go, ['build', '-o', binary, '.'], {
        cwd: source,
        env: { ...process.env, CGO_ENABLED: '0' },
      }),
  );
  return binary;
}
