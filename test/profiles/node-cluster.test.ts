import { proveWorkers } from './workers.js';

const url = 'http://127.0.0.1:8208';

proveWorkers({
  profile: 'node-cluster',
  workers: 4,
  user: 0,
  who: ['curl', '-sf', `${url}/worker`],
  film: (n) => ['curl', '-sf', `${url}/film?number=${n}`],
  reload: 'SIGHUP',
});
