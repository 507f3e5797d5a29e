// thaw push: sealed stores into a registry, with what each needs of a device.
import { command, print, printJson } from '../command.js';
import { interruptibly } from '../interruption.js';
import { flag, json, text, textOr } from '../options.js';
import { FORMATS, formatNamed } from '../packing/formats/index.js';
import { Progress } from '../progress.js';
import { push } from '../registry/push.js';
import { parseReference, textOf } from '../registry/reference.js';
import { privateKey } from '../signing/keys.js';

export default command({
  about: [
    'Puts stores into an OCI registry, under REF (HOST[:PORT]/NAME[:TAG]): sealed ones (thaw pack) as they are, others are ' +
      'sealed first. With each goes what its images need of a device: CPU and its features, format, root.',
    'Several stores become one index, from which thaw pull takes what is for its device; each has a name then: ' +
      'MODEL=STORE. Names and passwords are those of docker login, podman login or skopeo login (docs/how-to/fleet.md).',
  ].join('\n\n'),
  options: {
    key: text('--key <PRIVATE.pem>', 'sign it, for devices that take nothing without a signature'),
    add: flag('--add', 'into the index that REF is, in the place of the stores of the same models'),
    format: textOr(
      '--format <FORMAT>',
      `what stores that are folders are sealed as: ${FORMATS.map(({ name }) => name).join(' or ')}`,
      'erofs',
    ),
    json,
  },
  operands: ['<REF>', '<STORE|MODEL=STORE...>'],
  run({ key, add, format, json }, [name, stores]) {
    const reference = parseReference(name);
    const signer = key === undefined ? undefined : privateKey(key);
    return interruptibly(async (interrupt) => {
      const progress = new Progress('push');
      const options = { stores, format: formatNamed(format), key: signer, add, progress };
      const pushed = await push(reference, options, interrupt);
      if (json) printJson({ reference: textOf(reference), ...pushed });
      else print(`${textOf({ ...reference, digest: pushed.digest })}\n`);
      return 0;
    });
  },
});
