import { proveProfile } from './prove.js';

proveProfile('jvm');
