import { proveProfile } from './prove.js';

proveProfile('nginx');
