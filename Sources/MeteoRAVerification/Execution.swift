import MeteoRAKernels

/// A way to run an operation that must not change a bit of its results.
public struct Execution: Sendable, Equatable, CustomStringConvertible {
  /// How low-rank updates are computed.
  public var kernel: LoRAMoEKernel
  /// The number of threads.
  public var parallelism: Parallelism

  /// A kernel and a number of threads.
  public init(kernel: LoRAMoEKernel, parallelism: Parallelism) {
    self.kernel = kernel
    self.parallelism = parallelism
  }

  public var description: String {
    "\(kernel.rawValue), \(parallelism.threads) thread\(parallelism.threads == 1 ? "" : "s")"
  }
}

/// What an operation's results could depend on, and must not.
enum ExecutionDependence {
  /// Nothing: one execution.
  case none
  /// The number of threads.
  case threads
  /// The kernel and the number of threads.
  case kernelAndThreads

  /// One thread, as many as most machines have, and more than most tensors here have parts.
  private static let threadCounts = [1, 2, 5]

  /// The executions that a case is checked in.
  var executions: [Execution] {
    let parallelisms = Self.threadCounts.compactMap { try? Parallelism(threads: $0) }
    switch self {
    case .none:
      return [Execution(kernel: .tiled, parallelism: .serial)]
    case .threads:
      return parallelisms.map { Execution(kernel: .tiled, parallelism: $0) }
    case .kernelAndThreads:
      return LoRAMoEKernel.allCases.flatMap { kernel in
        parallelisms.map { Execution(kernel: kernel, parallelism: $0) }
      }
    }
  }
}
