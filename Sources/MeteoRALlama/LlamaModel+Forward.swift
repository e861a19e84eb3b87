import MeteoRAKernels

// The forward pass of a Llama decoder:
//
//   h = embedding[ids]
//   for every layer:
//     x = rmsNorm(h)            q, k, v = W · x          q, k rotated by position
//     h = h + W_o · attention(q, k, v)
//     x = rmsNorm(h)            g, u = W · x
//     h = h + W_down · (silu(g) · u)
//   logits = W_head · rmsNorm(h)
//
// A row is a token; rows of several sequences stand one after the other. Every value of a row is
// a function of that row and of the earlier positions of its sequence alone, so the bits do not
// depend on what else is in the batch, nor on how a prompt is cut.

/// New tokens of one sequence.
package struct SequenceInput {
  /// What an observer knows the sequence by.
  package var id: Int
  package var tokens: [Int]
  /// Holds the positions before; those of `tokens` are appended.
  package var state: SequenceState

  package init(id: Int = 0, tokens: [Int], state: SequenceState) {
    self.id = id
    self.tokens = tokens
    self.state = state
  }
}

/// The rows whose logits are wanted.
package enum LogitRows: Sendable {
  case all
  /// The last row of each sequence.
  case last
}

extension LlamaModel {
  /// Runs new tokens of several sequences through the model.
  ///
  /// - Parameter inputs: Each with at least one token.
  /// - Returns: `[rows, vocabularySize]`: all rows, or the last of each sequence.
  /// - Throws: ``LlamaError`` for an id outside the vocabulary, or a sequence without tokens.
  package func forward(
    _ inputs: [SequenceInput], logits: LogitRows, evaluator: any LinearGroupEvaluator,
    observer: (any ForwardObserver)? = nil, parallelism: Parallelism
  ) throws(LlamaError) -> [Float] {
    for input in inputs {
      guard !input.tokens.isEmpty else { throw .emptyPrompt(index: input.id) }
      for (offset, id) in input.tokens.enumerated()
      where id < 0 || id >= configuration.vocabularySize {
        throw .tokenOutOfRange(
          id: id, position: input.state.count + offset,
          vocabularySize: configuration.vocabularySize)
      }
    }
    return parallelism.withTeam { parallelism in
      let pass = ForwardPass(
        model: self, inputs: inputs, observer: observer, parallelism: parallelism)
      for layer in layers.indices {
        pass.attend(layer: layer, evaluator: evaluator)
        pass.transform(layer: layer, evaluator: evaluator)
      }
      return pass.logits(logits)
    }
  }
}

/// The buffers of one pass.
private struct ForwardPass: ~Copyable {
  let model: LlamaModel
  let inputs: [SequenceInput]
  let observer: (any ForwardObserver)?
  let parallelism: Parallelism

  /// Where each row comes from.
  let origins: [RowOrigin]
  /// Rows of each sequence.
  let ranges: [Range<Int>]
  /// Cosines and sines of every row's position.
  let tables: (cos: [Float], sin: [Float])
  /// `[rows, H]`, the residual stream.
  let hidden: RowBuffer
  /// `[rows, H]`, a normalised copy of it, or what is added to it.
  let normed: RowBuffer

  init(
    model: LlamaModel, inputs: [SequenceInput], observer: (any ForwardObserver)?,
    parallelism: Parallelism
  ) {
    self.model = model
    self.inputs = inputs
    self.observer = observer
    self.parallelism = parallelism
    var origins: [RowOrigin] = []
    var ranges: [Range<Int>] = []
    for input in inputs {
      let first = origins.count
      for offset in input.tokens.indices {
        origins.append(RowOrigin(sequence: input.id, position: input.state.count + offset))
      }
      ranges.append(first..<origins.count)
    }
    self.ranges = ranges
    self.origins = origins
    let rows = origins.count
    let width = model.configuration.hiddenSize
    hidden = RowBuffer(rows: rows, width: width)
    normed = RowBuffer(rows: rows, width: width)
    tables = model.rotary.tables(forRows: origins.map(\.position))
    observer?.begin(rows: origins)
    for (row, token) in inputs.lazy.flatMap(\.tokens).enumerated() {
      model.embedding.copyRow(token, to: hidden.row(row))
    }
    observe(.embeddings, hidden)
  }

  private var rows: Int { origins.count }

  private func observe(_ point: @autoclosure () -> TracePoint, _ values: borrowing RowBuffer) {
    observer?.observe(point(), values.start, width: values.width)
  }

  private func normalise(_ weight: [Float]) {
    rmsNorm(
      hidden.start, rows: rows, weight: weight, epsilon: model.configuration.normEpsilon,
      to: normed.start, parallelism: parallelism)
  }

  /// `h = h + W_o · attention(W_qkv · rmsNorm(h))`.
  func attend(layer: Int, evaluator: any LinearGroupEvaluator) {
    let configuration = model.configuration
    let (heads, keyHeads) = (configuration.attentionHeads, configuration.keyValueHeads)
    let dimension = configuration.headDimension
    let queries = RowBuffer(rows: rows, width: heads * dimension)
    let keys = RowBuffer(rows: rows, width: keyHeads * dimension)
    let values = RowBuffer(rows: rows, width: keyHeads * dimension)
    let attended = RowBuffer(rows: rows, width: heads * dimension)

    normalise(model.layers[layer].inputNorm)
    observe(.inputNorm(layer), normed)
    evaluator.evaluate(
      .attentionInput, layer: layer, of: model, input: normed.start, rows: origins,
      outputs: [queries.start, keys.start, values.start], observer: observer,
      parallelism: parallelism)
    for (buffer, heads) in [(queries.start, heads), (keys.start, keyHeads)] {
      rotate(
        buffer, rows: rows, heads: heads, dimension: dimension, cos: tables.cos, sin: tables.sin,
        parallelism: parallelism)
    }
    observe(.queryRotated(layer), queries)
    observe(.keyRotated(layer), keys)
    for (input, range) in zip(inputs, ranges) {
      input.state.layers[layer].append(
        keys: keys.row(range.lowerBound), values: values.row(range.lowerBound),
        rows: range.count)
    }
    MeteoRAKernels.attend(
      queries.start, heads: heads,
      sequences: zip(inputs, ranges).map { input, range in
        AttentionSequence(cache: input.state.layers[layer], rows: range)
      }, to: attended.start, parallelism: parallelism)
    observe(.attention(layer), attended)
    evaluator.evaluate(
      .attentionOutput, layer: layer, of: model, input: attended.start, rows: origins,
      outputs: [normed.start], observer: observer, parallelism: parallelism)
    hidden.add(normed, parallelism: parallelism)
  }

  /// `h = h + W_down · (silu(W_gate · x) · W_up · x)`, x = rmsNorm(h).
  func transform(layer: Int, evaluator: any LinearGroupEvaluator) {
    let width = model.configuration.intermediateSize
    let gate = RowBuffer(rows: rows, width: width)
    let up = RowBuffer(rows: rows, width: width)
    let activated = RowBuffer(rows: rows, width: width)

    normalise(model.layers[layer].postAttentionNorm)
    observe(.postAttentionNorm(layer), normed)
    evaluator.evaluate(
      .mlpInput, layer: layer, of: model, input: normed.start, rows: origins,
      outputs: [gate.start, up.start], observer: observer, parallelism: parallelism)
    siluMultiply(
      gate: gate.start, up: up.start, count: rows * width, to: activated.start,
      parallelism: parallelism)
    evaluator.evaluate(
      .mlpOutput, layer: layer, of: model, input: activated.start, rows: origins,
      outputs: [normed.start], observer: observer, parallelism: parallelism)
    hidden.add(normed, parallelism: parallelism)
    observe(.hidden(layer), hidden)
  }

  /// `W_head · rmsNorm(h)` of the rows that are wanted.
  func logits(_ wanted: LogitRows) -> [Float] {
    normalise(model.finalNorm)
    observe(.finalNorm, normed)
    switch wanted {
    case .all:
      let logits = logits(of: normed)
      logits.withUnsafeBufferPointer { logits in
        guard let start = logits.baseAddress else { return }
        observer?.observe(.logits, start, width: model.configuration.vocabularySize)
      }
      return logits
    case .last:
      let last = RowBuffer(rows: ranges.count, width: normed.width)
      for (index, range) in ranges.enumerated() {
        last.row(index).update(from: normed.row(range.upperBound - 1), count: normed.width)
      }
      return logits(of: last)
    }
  }

  private func logits(of normed: borrowing RowBuffer) -> [Float] {
    let count = normed.rows * model.configuration.vocabularySize
    return [Float](unsafeUninitializedCapacity: count) { logits, initializedCount in
      initializedCount = count
      guard let target = logits.baseAddress else { return }
      multiply(
        [LinearTerm(model.head, to: target)], by: normed.start, rows: normed.rows,
        parallelism: parallelism)
    }
  }
}

/// `[rows, width]` of binary32, freed at the end of its scope.
private struct RowBuffer: ~Copyable {
  let rows: Int
  let width: Int
  private let memory: AlignedMemory

  init(rows: Int, width: Int) {
    self.rows = rows
    self.width = width
    memory = AlignedMemory(byteCount: rows * width * MemoryLayout<Float>.size)
  }

  var start: UnsafeMutablePointer<Float> { memory.floats }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { start + index * width }

  /// Adds `other` element by element.
  func add(_ other: borrowing RowBuffer, parallelism: Parallelism) {
    addRows(other.start, to: start, rows: rows, width: width, parallelism: parallelism)
  }
}
