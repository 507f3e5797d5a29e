import { proveWindow } from './windows.js';

proveWindow('sdl2', '160 100', 20);
