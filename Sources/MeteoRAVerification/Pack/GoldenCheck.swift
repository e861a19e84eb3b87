import MeteoRASafetensors

/// How the results of a case are compared with what is expected.
public enum GoldenCheck: Sendable, Equatable {
  /// Equal bit patterns; any NaN equals any NaN. Integers, bytes and texts are equal.
  case bits
  /// At most this many representable numbers apart.
  case ulp(UInt64)
  /// Logits near the true value: the largest difference, and the RMS error over that of PyTorch's
  /// own binary32.
  case distance(maximumAbsolute: Double, rmsRatio: Double)
  /// Equal choices, but for those whose lead over the next best is below this.
  case equalUnlessGapBelow(Double)
  /// Gradients and changes of weights near the true values: the relative error of a gradient over
  /// the largest of PyTorch's own binary32, and that of a change.
  case training(gradientRatio: Double, updateError: Double)
  /// An error whose text holds the words of the case's parameters.
  case words
  /// No error.
  case loads

  init(_ value: JSONValue) throws(JSONError) {
    if value.equals("bits") {
      self = .bits
    } else if value.equals("words") {
      self = .words
    } else if value.equals("loads") {
      self = .loads
    } else {
      self = try Self.bounds(value)
    }
  }

  private static func bounds(_ value: JSONValue) throws(JSONError) -> GoldenCheck {
    guard value.kind == .object else {
      throw value.mismatch(expected: "'bits', 'words', 'loads' or an object of bounds")
    }
    if let ulp = value["ulp"] {
      try value.refuseFields(except: ["ulp"])
      return .ulp(UInt64(try ulp.integerValue(in: 0...Int(Int32.max))))
    }
    if let gap = value["equal_unless_gap_below"] {
      try value.refuseFields(except: ["equal_unless_gap_below"])
      return .equalUnlessGapBelow(try gap.doubleValue())
    }
    if let ratio = value["gradient_ratio"] {
      try value.refuseFields(except: ["gradient_ratio", "update_error"])
      return .training(
        gradientRatio: try ratio.doubleValue(),
        updateError: try value.required("update_error").doubleValue())
    }
    try value.refuseFields(except: ["max_abs", "rms_ratio"])
    return .distance(
      maximumAbsolute: try value.required("max_abs").doubleValue(),
      rmsRatio: try value.required("rms_ratio").doubleValue())
  }
}
