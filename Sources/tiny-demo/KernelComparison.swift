import Foundation
import MeteoRA
import MeteoRAKernels

/// The logits of a prompt by the three kernels: the same bits.
struct KernelComparison {
  let bundle: TrainedBundle
  let page: DemoPage

  func show() throws {
    try page.headline("Three kernels, the same bits")
    let ids = bundle.tokenizer.encode(
      "1. Reverse: hello\n2. French digits: 407\n3. Pig Latin: tiger\n\n")
    var expected: [UInt32]?
    for kernel in LoRAMoEKernel.allCases {
      let other = bundle.model.with(kernel: kernel)
      var logits = try other.logits(of: ids)
      let duration = try ContinuousClock().measure { logits = try other.logits(of: ids) }
      let bits = logits.map(\.bitPattern)
      guard expected == nil || expected == bits else { throw DemoError.kernelsDiffer(kernel) }
      expected = bits
      try page.print(
        row: [
          kernel.rawValue, String(format: "%.1f ms", duration / .milliseconds(1)),
          "\(bits.count) logits equal",
        ], widths: [8, 11, 0])
    }
    try page.print("")
  }
}
