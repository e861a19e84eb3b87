import MeteoRAMath

/// The operations that the cases of a pack name.
enum GoldenOperation: String, CaseIterable, Sendable {
  // Elementary functions and sums.
  case exp, log, sin, cos, pow, widen, dot
  // Products and the other steps of a layer.
  case linear, softmax, rope, attention
  case rmsNorm = "rms_norm"
  case siluMultiply = "silu_mul"
  case ropeFrequencies = "rope_frequencies"
  // Adapters.
  case routing
  case topK = "top_k"
  case matching = "peft_matching"
  case loraMoE = "lora_moe"
  case gatedLoRAMoE = "lora_moe_gated"
  case merge
  // Training.
  case linearGradient = "linear_gradient"
  case embeddingGradient = "embedding_gradient"
  case rmsNormGradient = "rms_norm_gradient"
  case siluMultiplyGradient = "silu_mul_gradient"
  case ropeGradient = "rope_gradient"
  case attentionGradient = "attention_gradient"
  case crossEntropy = "cross_entropy"
  case loraMoEGradient = "lora_moe_gradient"
  case gradientNorm = "gradient_norm"
  case adamW = "adamw"
  case learningRate = "learning_rate"
  case trainingSteps = "training_steps"
  // From logits to the next id.
  case temperature, sample
  case repetitionPenalty = "repetition_penalty"
  case ngramBlock = "ngram_block"
  case topKFilter = "top_k_filter"
  case topPFilter = "top_p_filter"
  case samplingProbabilities = "sampling_probabilities"
  case randomUniform = "random_uniform"
  case inverseCDF = "inverse_cdf"
  // Whole models.
  case trace, generate
  case lastLogits = "last_logits"
  case modelDistance = "model_distance"
  case generateDistance = "generate_distance"
  case generateText = "generate_text"
  case loadModel = "load_model"
  // Files and texts.
  case tokenize, split
  case safetensorsRead = "safetensors_read"
  case safetensorsReadFolder = "safetensors_read_folder"
  case safetensorsWrite = "safetensors_write"

  /// What the results of a case could depend on.
  func dependence(of golden: GoldenCase) -> ExecutionDependence {
    switch self {
    case .exp, .log, .sin, .cos, .pow, .widen, .dot, .ropeFrequencies, .routing, .topK, .matching,
      .temperature, .sample, .repetitionPenalty, .ngramBlock, .topKFilter, .topPFilter,
      .samplingProbabilities, .randomUniform, .inverseCDF, .loadModel, .tokenize, .split,
      .safetensorsRead, .safetensorsReadFolder, .safetensorsWrite, .embeddingGradient,
      .learningRate:
      return .none
    case .linear, .softmax, .rope, .attention, .rmsNorm, .siluMultiply, .merge, .linearGradient,
      .rmsNormGradient, .siluMultiplyGradient, .ropeGradient, .attentionGradient, .crossEntropy,
      .loraMoEGradient, .gradientNorm, .adamW, .trainingSteps:
      return .threads
    case .loraMoE, .gatedLoRAMoE:
      return .kernelAndThreads
    case .trace, .generate, .lastLogits, .modelDistance, .generateDistance, .generateText:
      let mode = golden.parameters["mode"]
      let hasAdapters = mode?.equals("routed") == true || mode?.equals("single") == true
      return hasAdapters ? .kernelAndThreads : .threads
    }
  }

  /// Whether results are tensors, which another implementation can hand in as a file.
  var yieldsTensors: Bool {
    switch self {
    case .generateText, .matching, .loadModel, .tokenize, .split, .safetensorsRead,
      .safetensorsReadFolder, .safetensorsWrite:
      false
    default: true
    }
  }
}

/// What running a case gives.
enum OperationOutcome {
  /// Tensors by the name of the output.
  case tensors([String: GoldenTensor])
  /// As `tensors`, of a generation and why it ended.
  case generation([String: GoldenTensor], finishReason: String)
  /// The operation compares by itself: what is wrong, one sentence each.
  case problems([String])
}

extension CaseRun {
  /// Runs the case.
  ///
  /// - Throws: ``VerificationError`` for inputs or parameters that do not fit the operation, or
  ///   that the code under test refuses.
  func outcome(of operation: GoldenOperation) throws(VerificationError) -> OperationOutcome {
    switch operation {
    case .exp: try elementary(CorrectlyRounded.exp)
    case .log: try elementary(CorrectlyRounded.log)
    case .sin: try elementary(CorrectlyRounded.sin)
    case .cos: try elementary(CorrectlyRounded.cos)
    case .pow: try power()
    case .widen: try widening()
    case .dot: try dotProducts()
    case .linear: try linearLayer()
    case .softmax: try softmaxOfRows()
    case .rope: try rotation()
    case .attention: try causalAttention()
    case .rmsNorm: try normalisation()
    case .siluMultiply: try gatedActivation()
    case .ropeFrequencies: try frequencies()
    case .routing: try routingOfLogits()
    case .topK: try largest()
    case .matching: try matching()
    case .loraMoE: try givenRouting()
    case .gatedLoRAMoE: try gatedRouting()
    case .merge: try mergedWeights()
    case .linearGradient: try linearGradient()
    case .embeddingGradient: try embeddingGradient()
    case .rmsNormGradient: try normalisationGradient()
    case .siluMultiplyGradient: try gatedActivationGradient()
    case .ropeGradient: try rotationGradient()
    case .attentionGradient: try attentionGradient()
    case .crossEntropy: try crossEntropyOfLogits()
    case .loraMoEGradient: try routedGradients()
    case .gradientNorm: try normOfGradients()
    case .adamW: try adamWSteps()
    case .learningRate: try learningRates()
    case .trainingSteps: try trainingSteps()
    case .repetitionPenalty: try repetitionPenalty()
    case .ngramBlock: try ngramBlock()
    case .temperature: try temperatureScaling()
    case .topKFilter: try topKFilter()
    case .topPFilter: try topPFilter()
    case .samplingProbabilities: try samplingProbabilities()
    case .sample: try sample()
    case .randomUniform: try randomUniform()
    case .inverseCDF: try inverseOfDistribution()
    case .trace: try trace()
    case .generate, .generateDistance: try generation()
    case .generateText: try textGeneration()
    case .lastLogits: try lastLogits()
    case .modelDistance: try summaryTrace()
    case .loadModel: try loading()
    case .tokenize: try tokenization()
    case .split: try splitting()
    case .safetensorsRead: try reading()
    case .safetensorsReadFolder: try readingFolder()
    case .safetensorsWrite: try writing()
    }
  }
}
