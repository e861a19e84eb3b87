import MeteoRAKernels
import MeteoRALlama

// The two losses:
//
//   language    cross-entropy of the head's logits and the next token, rows with a label
//   gates       cross-entropy of a module's gate logits and the adapter of the next token
//
// Logits of the vocabulary exist for a few rows at a time.

extension TrainingPass {
  /// Replaces gate logits by the gradients of the gate loss, +0 in rows without a label.
  ///
  /// - Parameter logits: `[rows, adapters]`.
  /// - Returns: The losses of the labelled rows.
  func gateLoss(
    _ logits: UnsafeMutablePointer<Float>, _ layer: Int, _ module: LinearModule,
    _ counts: inout RoutingCounts
  ) -> [Float] {
    let width = model.adapterCount
    let labels = batch.gateLabels
    counts.add(routingCount(logits), layer: layer, module: module)
    var isLabelled = [Bool](repeating: false, count: rows)
    for label in labels { isLabelled[label.row] = true }
    for row in 0..<rows where !isLabelled[row] {
      (logits + row * width).update(repeating: 0, count: width)
    }
    return [Float](unsafeUninitializedCapacity: labels.count) { losses, count in
      count = labels.count
      guard let losses = losses.baseAddress else { return }
      crossEntropyGradient(
        logits, width: width, rows: labels[...], scale: scale.gate, losses: losses,
        parallelism: parallelism)
    }
  }

  /// How often the right adapter has the largest gate logit; of equal ones the first counts.
  private func routingCount(_ logits: UnsafePointer<Float>) -> RoutingCounts.ModuleCount {
    let width = model.adapterCount
    var count = RoutingCounts.ModuleCount()
    for (label, isResponse) in zip(batch.gateLabels, isResponseLabel) {
      let row = logits + label.row * width
      var largest = 0
      for adapter in 1..<max(width, 1) where row[adapter] > row[largest] { largest = adapter }
      let right = largest == label.label ? 1 : 0
      if isResponse {
        count.responses.labelled += 1
        count.responses.right += right
      } else {
        count.prompts.labelled += 1
        count.prompts.right += right
      }
    }
    return count
  }

  /// Adds the loss of the next tokens; while training also the head's gradients, and
  /// `memory.gradient` becomes that of the residual stream.
  func computeLanguageLoss(_ total: inout Float, isTraining: Bool) {
    let labels = batch.languageLabels
    let width = model.configuration.hiddenSize
    let vocabulary = model.configuration.vocabularySize
    let count = labels.count
    // Labelled rows of the residual stream, normalised, and what reaches them.
    let floats = MemoryLayout<Float>.size
    let block = AlignedMemory(byteCount: 4 * count * width * floats)
    let hidden = block.floats
    let normed = hidden + count * width
    let normedGradient = normed + count * width
    let hiddenGradient = normedGradient + count * width
    for (index, label) in labels.enumerated() {
      (hidden + index * width).update(from: memory.hidden.row(label.row), count: width)
    }
    rmsNorm(
      hidden, rows: count, weight: model.llama.finalNorm,
      epsilon: model.configuration.normEpsilon, to: normed, parallelism: parallelism)
    let chunk = Self.rowsOfLogits(vocabulary: vocabulary)
    let logits = AlignedMemory(byteCount: min(chunk, count) * vocabulary * floats)
    var losses = [Float](repeating: 0, count: count)
    for first in stride(from: 0, to: count, by: chunk) {
      let rows = min(chunk, count - first)
      multiply(
        [LinearTerm(model.llama.head, to: logits.floats)], by: normed + first * width, rows: rows,
        parallelism: parallelism)
      let labels = labels[first..<first + rows].enumerated().map { index, label in
        LabelledRow(row: index, label: label.label)
      }
      losses.withUnsafeMutableBufferPointer { losses in
        guard let losses = losses.baseAddress else { return }
        crossEntropyGradient(
          logits.floats, width: vocabulary, rows: labels[...], scale: scale.language,
          losses: losses + first, parallelism: parallelism)
      }
      guard isTraining else { continue }
      if let head = model.trained.base.map({ $0.head ?? $0.embedding }) {
        addWeightGradient(
          GradientRows(logits.floats, count: rows, width: vocabulary),
          GradientRows(normed + first * width, count: rows, width: width),
          to: GradientTarget(head.gradient, width: width), parallelism: parallelism)
      }
      inputGradient(
        [InputGradientTerm(model.llama.head, logits.floats)], rows: rows, tile: chunk,
        to: normedGradient + first * width, parallelism: parallelism)
    }
    losses.withUnsafeBufferPointer { addLosses($0, to: &total) }
    guard isTraining else { return }

    let finalNorm = model.trained.base?.finalNorm
    rmsNormGradient(
      hidden, rows: count, weight: model.llama.finalNorm,
      epsilon: model.configuration.normEpsilon, outputGradient: normedGradient,
      to: hiddenGradient, normalised: finalNorm == nil ? nil : normed, parallelism: parallelism)
    if let finalNorm {
      addElementwiseGradient(
        normedGradient, normed, rows: count, width: width, to: finalNorm.gradient,
        parallelism: parallelism)
    }
    memory.gradient.start.update(repeating: 0, count: hiddenCount)
    for (index, label) in labels.enumerated() {
      memory.gradient.row(label.row).update(from: hiddenGradient + index * width, count: width)
    }
    withExtendedLifetime((block, logits)) {}
  }

  /// Rows whose logits exist at a time: whole blocks of a sum over rows, in about 48 MiB. They are
  /// copied once for the products; both together stay in the working memory from step to step.
  private static func rowsOfLogits(vocabulary: Int) -> Int {
    min(max((12 << 20) / max(vocabulary, 1) / 128, 1), 4) * 128
  }
}
