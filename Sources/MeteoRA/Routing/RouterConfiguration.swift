import MeteoRAKernels

/// How a gate's logits become a choice. Neither value is part of a checkpoint.
public struct RouterConfiguration: Sendable, Equatable {
  /// k, adapters that a token takes in a module; 2 in the paper's main results.
  public var topK: Int
  /// T, divides the selected logits before their softmax; 1 for single tasks, 15, 20 and 30 for
  /// the authors' composite prompts of 3, 5 and 10 tasks.
  public var temperature: Float

  /// Checked against the number of adapters when a model takes it.
  public init(topK: Int = 2, temperature: Float = 1) {
    self.topK = topK
    self.temperature = temperature
  }

  /// - Parameter context: Where the settings stand, for messages.
  /// - Throws: ``MeteoRAError/kernel(context:_:)`` unless 1 ≤ k ≤ `adapterCount` and T is finite
  ///   and above 0.
  func validate(adapterCount: Int, context: String = "router") throws(MeteoRAError) {
    if let problem = problems(adapterCount: adapterCount, context: context).first { throw problem }
  }

  /// What ``validate(adapterCount:context:)`` would throw of k and of T.
  func problems(adapterCount: Int, context: String) -> [MeteoRAError] {
    var problems: [MeteoRAError] = []
    if topK < 1 || topK > adapterCount {
      problems.append(
        .kernel(
          context: context,
          .outOfRange(
            argument: "top_k", actual: "\(topK)", allowed: "1...\(adapterCount) (the adapters)")))
    }
    do throws(KernelError) {
      try Routing.requireTemperature(temperature)
    } catch {
      problems.append(.kernel(context: context, error))
    }
    return problems
  }
}
