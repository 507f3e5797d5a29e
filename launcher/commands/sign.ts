// thaw sign: a signature beside each image, for devices that launch nothing without one.
import { command, print, printJson } from '../command.js';
import { ThawError } from '../errors.js';
import { native } from '../engine/index.js';
import { json, required, store, text } from '../options.js';
import { privateKey } from '../signing/keys.js';
import { signImage } from '../signing/signature.js';
import { imagePaths } from '../store/image.js';
import { Stores } from '../store/stores.js';

export default command({
  about:
    'Signs the images of profiles, or image files, with an Ed25519 key: a file NAME.thaw.sig beside each image. It covers the ' +
    'metadata and all page data. Devices that require signatures launch no other images (docs/signatures.md).',
  options: {
    store,
    key: required(
      text('--key <PRIVATE.pem>', 'the private key: openssl genpkey -algorithm ed25519 -out PRIVATE.pem'),
    ),
    json,
  },
  operands: ['<NAME|FILE...>'],
  run(options, [operands]) {
    const key = privateKey(options.key);
    const store = new Stores(options.store).writable;
    const images = operands.flatMap((operand) => imagePaths(store, operand));
    images.forEach(expectSound);
    const signed = images.map((image) => ({ image, signature: signImage(image, key) }));
    if (options.json) printJson(signed);
    else print(signed.map(({ signature }) => `${signature}\n`).join(''));
    return 0;
  },
});

/** Whether it can be launched here is not asked: it may be for another device. @throws ThawError if it is damaged */
function expectSound(image: string): void {
  const { problems } = native.verify(image, { data: true });
  const damage = problems.find(({ condition }) => condition === 'image' || condition === 'page data');
  if (damage !== undefined) throw new ThawError(damage.what, { remedy: damage.remedy });
}
