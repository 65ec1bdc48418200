// A process that answers JSON lines with JSON lines, in order.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export function startLines(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  const waiting = [];
  const failAll = (text) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(text));
  };
  child.on('error', (error) => failAll(String(error)));
  child.on('exit', (code, signal) => failAll(`${command} ended (${code ?? signal})`));
  child.stdin.on('error', () => failAll(`${command} takes no more orders`));
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.resolve(JSON.parse(line)),
  );
  return {
    ask: (order) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(JSON.stringify(order) + '\n');
      }),
    stop: () => child.stdin.end(),
  };
}
