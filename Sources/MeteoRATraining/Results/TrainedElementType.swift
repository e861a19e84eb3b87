import MeteoRASafetensors

/// The type that trained weights are written in, as results.
public enum TrainedElementType: String, Sendable, CaseIterable {
  /// Binary32, as they were trained: the model that is loaded is the one that was trained, bit for
  /// bit.
  case float32 = "f32"
  /// bfloat16, rounded once, to nearest, ties to even.
  case bfloat16 = "bf16"

  var dtype: SafetensorsDType {
    switch self {
    case .float32: .f32
    case .bfloat16: .bf16
    }
  }

  /// What PyTorch, and so `config.json`, calls it.
  var torchName: String { "\(self)" }
}
