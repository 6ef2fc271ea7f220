"""One contender of `benchmarks/inference.py`, in a process of its own: it is asked by lines of JSON and answers so.

A request names a net, a batch, an ONNX file and an input; the first answer says how long the net took to make ready
and what it gives. Each later line is a number of seconds to run for; the answer has the calls, and the wall-clock and
processor seconds that they took. A line that asks for the ceiling has the seconds for each of some convolutions.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[[], np.ndarray]


def main() -> None:
    """Reads requests until there are no more."""
    name, precision, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    run: Run | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if "ceiling" in request:
            answer: dict[str, Any] = {"macs_per_second": ceiling(precision, threads, request["ceiling"])}
        elif "net" in request:
            run = None
            begin = time.perf_counter()
            try:
                run = CONTENDERS[name](request, precision, threads)
                np.save(request["answer"], run())
            except Exception as error:  # whatever a contender raises, the others go on
                answer = {"error": f"{type(error).__name__}: {error}"[:300]}
            else:
                answer = {"ready": time.perf_counter() - begin, "memory": own_memory(run)}
        else:
            assert run is not None
            answer = measure(run, request["seconds"])
        print("ANSWER " + json.dumps(answer), flush=True)


def measure(run: Run, seconds: float) -> dict[str, float]:
    """Calls for so many seconds of wall clock, once at least; the fastest call's seconds too.

    A call before them does not count: the machine was another contender's until then, and who looks at which cores are
    free still sees it.
    """
    run()
    calls, fastest, least, begin, cpu = 0, float("inf"), float("inf"), time.perf_counter(), time.process_time()
    while True:
        start, own = time.perf_counter(), time.process_time()
        run()
        least, now = min(least, time.process_time() - own), time.perf_counter()
        calls, fastest = calls + 1, min(fastest, now - start)
        if now - begin >= seconds:
            return {
                "calls": calls,
                "wall": now - begin,
                "cpu": time.process_time() - cpu,
                "fastest_wall": fastest,
                "least_cpu": least,
            }


def ceiling(precision: str, threads: int, seconds: float) -> float:
    """The most multiply-adds a second that oneDNN reaches in convolutions that suit it."""
    import torch

    from casecnn.kernels.convolution import Convolution
    from casecnn.kernels.onednn import PrepackedConvolution

    torch.set_num_threads(threads)
    most, dtype = 0.0, getattr(torch, precision)
    for channels, size, batch, window in ((256, 28, 8, 3), (128, 28, 8, 3), (64, 56, 8, 3), (512, 14, 16, 1)):
        weight = torch.randn(channels, channels, window, window).to(dtype)
        x = torch.randn(batch, channels, size, size).to(dtype).contiguous(memory_format=torch.channels_last)
        kernel, padding = PrepackedConvolution(Convolution(weight)), (window // 2, window // 2)

        def run(x: Any = x, kernel: Any = kernel, padding: Any = padding) -> np.ndarray:
            with torch.inference_mode():
                return kernel(x, padding)

        run()
        found = measure(run, seconds / 2)
        most = max(
            most,
            batch
            * size
            * size
            * channels
            * channels
            * window**2
            / found["least_cpu" if threads == 1 else "fastest_wall"],
        )
    return most


def own_memory(run: Run) -> dict[str, int]:
    """Bytes of the weights that casecnn's kernels keep laid out, and the largest memory of the process so far."""
    module = getattr(run, "module", None)
    parts = [*module.modules()] if module is not None else []
    kernels = [getattr(part, name) for part in parts for name in ("kernel", "stretch") if hasattr(part, name)]
    return {
        "laid_out": sum(getattr(kernel, "nbytes", 0) for kernel in {id(one): one for one in kernels}.values()),
        "process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def built(request: dict[str, Any]) -> Any:
    """The net's module with the weights that all contenders have, in eval mode."""
    from casecnn.torch_net.build import build

    return build(declared(request["net"]), seed=0).eval()


def declared(name: str) -> Any:
    """The declaration; a policy net by its filters, as policy-k64."""
    from casecnn.nets.catalogue import get_net
    from casecnn.nets.policy import policy_net

    return policy_net(int(name.removeprefix("policy-k"))) if name.startswith("policy-k") else get_net(name)


def torch_run(module: Any, x: Any) -> Run:
    """Calls of a torch module without gradients."""
    import torch

    def run() -> np.ndarray:
        with torch.inference_mode():
            return module(x).float().numpy()

    run.module = module  # type: ignore[attr-defined]
    return run


def tensors(request: dict[str, Any], precision: str, threads: int) -> tuple[Any, Any]:
    """The input, and the number format."""
    import torch

    torch.set_num_threads(threads)
    dtype = getattr(torch, precision)
    return torch.from_numpy(np.load(request["input"])).to(dtype), dtype


def eager(request: dict[str, Any], precision: str, threads: int) -> Run:
    """Torch as most people run it."""
    x, dtype = tensors(request, precision, threads)
    return torch_run(built(request).to(dtype), x)


def channels_last(request: dict[str, Any], precision: str, threads: int) -> Run:
    """Torch with its layout for convolutions, BatchNorm folded."""
    import torch

    from casecnn.torch_net.fuse import fuse

    x, dtype = tensors(request, precision, threads)
    module = fuse(built(request)).to(dtype).to(memory_format=torch.channels_last)
    return torch_run(module, x.contiguous(memory_format=torch.channels_last))


def compiled(request: dict[str, Any], precision: str, threads: int) -> Run:
    """torch.compile with freezing; needs a C++ compiler."""
    import torch
    import torch._inductor.config

    torch._inductor.config.freezing = True
    torch._dynamo.reset()
    x, dtype = tensors(request, precision, threads)
    module = built(request).to(dtype).to(memory_format=torch.channels_last)
    return torch_run(torch.compile(module), x.contiguous(memory_format=torch.channels_last))


def casecnn(request: dict[str, Any], precision: str, threads: int) -> Run:
    """This package, as its commands run a net."""
    import torch

    from casecnn.inference.prepare import prepare

    x, dtype = tensors(request, precision, threads)
    return torch_run(prepare(built(request), dtype), x.contiguous(memory_format=torch.channels_last))


def onnxruntime(request: dict[str, Any], precision: str, threads: int) -> Run:
    """Microsoft's runtime; float32 only on a CPU."""
    import onnxruntime as runtime

    if precision != "float32":
        raise ValueError("no bfloat16 on a CPU")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(request["onnx"], options, providers=["CPUExecutionProvider"])
    x = np.load(request["input"])
    return lambda: session.run(["logits"], {"input": x})[0]


def openvino(request: dict[str, Any], precision: str, threads: int) -> Run:
    """Intel's runtime."""
    import openvino

    core = openvino.Core()
    hints = {"float32": "f32", "bfloat16": "bf16"}
    model = core.read_model(request["onnx"])
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": hints[precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    ready = core.compile_model(model, "CPU", settings)
    asked, x = ready.create_infer_request(), np.load(request["input"])
    output = ready.output("logits")
    return lambda: asked.infer({"input": x})[output]


CONTENDERS: dict[str, Callable[[dict[str, Any], str, int], Run]] = {
    "casecnn": casecnn,
    "torch": eager,
    "channels_last": channels_last,
    "compile": compiled,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
}

if __name__ == "__main__":
    main()
