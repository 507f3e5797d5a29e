// php-fpm, asked over FastCGI: users, signals and reloads as a cold start has them.
import { proveWorkers, userNumber } from './workers.js';

proveWorkers({
  profile: 'php-fpm',
  workers: 4,
  user: userNumber('www-data'),
  who: ['sh', 'ask.sh', 'worker'],
  film: (n) => ['sh', 'ask.sh', 'film', String(n)],
  reload: 'SIGUSR2',
  ignoresHangUp: true,
  pidFile: 'run/php-fpm.pid',
});
