// Pointer authentication (AArch64): return addresses that were signed before the checkpoint are good after a launch, because
// it takes over the keys.
import test from 'ava';

import { type Case, each, expectCold, expectRight, withData } from './support/expect.js';
import { runSteps } from './support/steps.js';

const signing: Case = { app: 'pauth' };
/** Its image holds no keys. */
const keyless: Case = { app: 'pauth', folder: 'keyless', guardsOff: ['pauth'] };
const kiosk: Case = { app: 'pauth', folder: 'kiosk', user: 'kiosk' };
const plain: Case = { app: 'threads' };
const [withKeys, withoutKeys] = ['max,pauth-impdef=on', 'max,pauth=off'];

test('signed return addresses live on with the keys of the image, and die without', (t) =>
  withData(async (data) => {
    const [made, more, other, launched, broken, ...asUser] = await runSteps(
      'aarch64',
      { data, model: withKeys },
      [
        ...each('checkpoint', [signing, keyless, plain]),
        ...each('launch', [signing, keyless]),
        { do: 'checkpoint', ...kiosk },
        { do: 'launch', ...kiosk },
      ],
    );
    expectRight(t, 'checkpoint', [made, more, other]);
    expectRight(t, 'as root', [launched]);
    expectRight(t, 'as an ordinary user', asUser);
    t.not(broken?.exit, 0, 'without its keys, the app must have failed');

    const [cold, ...without] = await runSteps('aarch64', { data, model: withoutKeys }, [
      ...each('start', [plain]),
      ...each('checkpoint', [plain]),
    ]);
    expectCold(t, 'without keys', cold, 'cpu', /this CPU lacks .*paca, pacg/);
    expectRight(t, 'made without keys', without);

    // The other way round; and an image with keys in another boot, whose own are others.
    const again = await runSteps('aarch64', { data, model: withKeys }, each('launch', [plain, signing]));
    expectRight(t, 'in another boot', again);
  }));
