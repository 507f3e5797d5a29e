import { proveProfile } from './prove.js';

proveProfile('redis');
