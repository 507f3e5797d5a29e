// nginx with workers that have given up root: users, signals and reloads as a cold start has them.
import { proveWorkers, userNumber } from './workers.js';

const url = 'http://127.0.0.1:8213';

proveWorkers({
  profile: 'nginx-workers',
  workers: 4,
  user: userNumber('www-data'),
  who: ['curl', '-sf', `${url}/worker`],
  film: (n) => ['curl', '-sf', `${url}/film/${n}`],
  reload: 'SIGHUP',
  pidFile: 'run/nginx.pid',
});
