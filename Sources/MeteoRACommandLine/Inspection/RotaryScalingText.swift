import MeteoRAKernels
import MeteoRALlama

extension LlamaConfiguration {
  /// The stretching of the rotary frequencies, in words.
  var ropeScalingText: String {
    switch ropeScaling {
    case .unscaled: "none"
    case .linear(let factor): "linear, factor \(factor)"
    case .llama3(let factor, let low, let high, let context):
      "llama3, factor \(factor), low \(low), high \(high), original context \(context)"
    }
  }
}
