import { proveWindow } from './windows.js';

proveWindow('sdl2', { clickAt: '160 100', inARow: 20 });
