/// What is trained, and the defaults that differ by it.
enum TrainingKind: String {
  case base, lora, gates

  var learningRate: Double {
    switch self {
    case .base: 1e-3
    case .lora: 3e-4
    case .gates: 5e-3
    }
  }

  /// Whether EOS is put behind responses: the published data of gates have none.
  var appendsEnd: Bool { self != .gates }
}
