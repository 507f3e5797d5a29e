import { proveWindow } from './windows.js';

proveWindow('wpe', { clickAt: '512 95', inARow: 20, isPage: true });
