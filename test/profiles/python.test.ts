import { proveProfile } from './prove.js';

proveProfile('python');
