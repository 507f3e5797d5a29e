// STATUS GO SCRATCH: timers of a runtime, long and short, that must carry on after a launch. Shows that it runs from the
// handler of the long interval; ends well when both have ticked since.
const { existsSync, writeFileSync } = require('node:fs');
const [, , status, go] = process.argv;
let short = 0;
let last = process.hrtime.bigint();
let bad = '';
const check = () => {
  const now = process.hrtime.bigint();
  if (now < last) bad = `the clock went back by ${last - now} ns`;
  last = now;
};
setInterval(() => {
  check();
  short += 1;
}, 50);
let seen = -1;
let ticks = 0;
setInterval(() => {
  check();
  ticks += 1;
  if (ticks >= 2 && !existsSync(status)) writeFileSync(status, 'ready\n');
  if (!existsSync(go)) return;
  if (seen < 0) seen = short;
  else if (short > seen || bad) {
    if (bad) process.stderr.write(`${bad}\n`);
    process.exit(bad ? 1 : 0);
  }
}, 500);
