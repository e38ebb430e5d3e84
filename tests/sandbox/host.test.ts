// The contract suite on the kind `host`, with and without bubblewrap.
import { type ContractCase, sandboxContract } from "./contract.ts";
import { hostSetup } from "./host-setup.ts";

function host(isolation: "bubblewrap" | "none"): () => Promise<ContractCase> {
  return async () => {
    const setup = hostSetup(isolation);
    return { driver: setup.driver, sandbox: await setup.open(), reopen: () => setup.open(), close: setup.close };
  };
}

sandboxContract("host with bubblewrap", host("bubblewrap"));
sandboxContract("host without isolation", host("none"));
