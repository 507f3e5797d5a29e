// gunicorn: an arbiter that finds its workers by their pids, once a hook has put them in order.
import { proveWorkers, userNumber } from './workers.js';

const url = 'http://127.0.0.1:8215';

proveWorkers({
  profile: 'gunicorn',
  workers: 4,
  user: userNumber('www-data'),
  who: ['curl', '-sf', `${url}/worker`],
  film: (n) => ['curl', '-sf', `${url}/film?number=${n}`],
  reload: 'SIGHUP',
});
