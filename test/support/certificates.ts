import { generate } from 'selfsigned';

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const named = (commonName: string) => [{ name: 'commonName', value: commonName }];
const options = { keyType: 'ec', algorithm: 'sha256' } as const;

/** An authority that nobody trusts unless told to; its own certificate is self-signed. */
export async function authority(commonName: string): Promise<Pair> {
  const { cert, private: key } = await generate(named(commonName), {
    ...options,
    extensions: [{ name: 'basicConstraints', cA: true, critical: true }, { name: 'keyUsage', keyCertSign: true, digitalSignature: true }],
  });
  return { cert, key };
}

/** A certificate for a host of that name, or for a role. */
export async function signedBy(ca: Pair, name: string): Promise<Pair> {
  const { cert, private: key } = await generate(named(name), {
    ...options,
    ca,
    extensions: [{ name: 'basicConstraints', cA: false }, { name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  });
  return { cert, key };
}
