import { getContainerRuntimeClient } from 'testcontainers';

/**
 * Whether a container engine answers. A docker client without an engine is common, and so is a DOCKER_HOST that leads nowhere: neither
 * may hold up a test run, so what has not answered after `timeLimitMs` counts as none.
 */
export async function engineAnswers(timeLimitMs = 1_500): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeLimitMs);
  });
  try {
    return await Promise.race([answers(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

async function answers(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false; // testcontainers tells all causes, from "not installed" to "refused", by one error
  }
}
