import MeteoRAKernels
import MeteoRASafetensors
import MeteoRATraining

// gradient_norm:  g.{name}; max_norm → norm [1], clipped.{name}
// adamw:          weight, gradients [steps, …]; learning_rates, beta1, beta2, eps, weight_decay
//                 → weights, m, v [steps, …]
// learning_rate:  schedule, learning_rate, warmup_ratio, total_steps → rates, bits of binary64

extension CaseRun {
  func normOfGradients() throws(VerificationError) -> OperationOutcome {
    let largest = try parameters { parameters throws(JSONError) in
      Float(try parameters.required("max_norm").doubleValue())
    }
    var tensors: [TrainedTensor] = []
    for input in golden.inputs where input.name.utf8.starts(with: "g.".utf8) {
      let gradient = try floats(input.name)
      let tensor = TrainedTensor(
        name: String(input.name.dropFirst(2)), shape: gradient.shape, values: gradient.values)
      tensor.take(gradient: gradient.values)
      tensors.append(tensor)
    }
    tensors.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let norm = gradientNorm(tensors, parallelism: parallelism)
    var outputs = ["norm": GoldenTensor([norm], shape: [1])]
    guard norm.isFinite else { return .tensors(outputs) }
    clipGradients(tensors, norm: norm, largest: largest, parallelism: parallelism)
    for tensor in tensors {
      outputs["clipped.\(tensor.name)"] = GoldenTensor(tensor.gradientArray, shape: tensor.shape)
    }
    return .tensors(outputs)
  }

  func adamWSteps() throws(VerificationError) -> OperationOutcome {
    let weight = try floats("weight")
    let rates = try parameters { parameters throws(JSONError) in
      var rates: [Double] = []
      for rate in try parameters.required("learning_rates").elementsValue() {
        rates.append(try rate.doubleValue())
      }
      return rates
    }
    let optimiser = try parameters(AdamW.init(of:))
    let gradients = try floats(
      "gradients", rank: weight.shape.count + 1, shape: [rates.count] + weight.shape)
    let tensor = TrainedTensor(name: "weight", shape: weight.shape, values: weight.values)
    var outputs: (weights: [Float], m: [Float], v: [Float]) = ([], [], [])
    for (step, rate) in rates.enumerated() {
      let first = step * tensor.count
      tensor.take(gradient: Array(gradients.values[first..<first + tensor.count]))
      optimiser.update([tensor], step: step + 1, learningRate: rate, parallelism: parallelism)
      outputs.weights += tensor.array
      outputs.m += tensor.firstMomentArray
      outputs.v += tensor.secondMomentArray
    }
    return .tensors([
      "weights": GoldenTensor(outputs.weights, shape: gradients.shape),
      "m": GoldenTensor(outputs.m, shape: gradients.shape),
      "v": GoldenTensor(outputs.v, shape: gradients.shape),
    ])
  }

  func learningRates() throws(VerificationError) -> OperationOutcome {
    let schedule = try parameters(LearningRateSchedule.init(of:))
    try requireRoom(for: "rates", shape: [schedule.steps])
    let rates = (0..<schedule.steps).map { step in
      Int64(bitPattern: schedule.learningRate(ofStep: step).bitPattern)
    }
    return .tensors(["rates": GoldenTensor(rates, shape: [rates.count])])
  }
}

extension AdamW {
  /// Reads the parameters of a case.
  init(of parameters: JSONValue) throws(JSONError) {
    self.init(
      beta1: try parameters.required("beta1").doubleValue(),
      beta2: try parameters.required("beta2").doubleValue(),
      epsilon: try parameters.required("eps").doubleValue(),
      weightDecay: try parameters.required("weight_decay").doubleValue())
  }
}

extension LearningRateSchedule {
  /// Reads the parameters of a case.
  init(of parameters: JSONValue) throws(JSONError) {
    let name = try parameters.required("schedule")
    guard let shape = Shape.allCases.first(where: { name.equals($0.rawValue) }) else {
      throw name.mismatch(expected: "constant, linear or cosine")
    }
    self.init(
      shape: shape, learningRate: try parameters.required("learning_rate").doubleValue(),
      steps: try parameters.required("total_steps").integerValue(in: 0...Int(Int32.max)),
      warmupRatio: try parameters.required("warmup_ratio").doubleValue())
  }
}
