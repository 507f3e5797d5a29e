import { proveProfile } from './prove.js';

proveProfile('ts-server');
