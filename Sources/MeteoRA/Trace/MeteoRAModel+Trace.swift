import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// A token sequence with the name that its results carry.
public struct NamedPrompt: Sendable, Equatable {
  /// `nil` for a prompt that stands alone.
  public var name: String?
  /// At least one id, at most the model's positions.
  public var tokens: [Int]

  /// The tokens are checked when they are run.
  public init(name: String? = nil, tokens: [Int]) {
    self.name = name
    self.tokens = tokens
  }
}

extension MeteoRAModel {
  /// Runs a token sequence and returns what happens inside.
  ///
  /// - Parameters:
  ///   - tokens: At least one, at most the model's positions.
  ///   - mode: What computes the linear modules; ``defaultMode`` if `nil`.
  ///   - detail: How much to keep.
  /// - Returns: Named tensors whose first dimension is the tokens.
  /// - Throws: ``MeteoRAError`` for a sequence or mode that cannot be run, and for a trace that the
  ///   machine has no memory for.
  public func trace(
    _ tokens: [Int], mode: Mode? = nil, detail: TraceDetail = .summary
  ) throws(MeteoRAError) -> [TraceTensor] {
    let mode = mode ?? defaultMode
    let plan = try tracePlan(mode: mode, detail: detail)
    try validate(tokens, index: 0)
    let declarations = plan.declarations(tokens: tokens.count, prefix: "")
    try requireMemory(for: declarations, tokens: tokens.count)
    let collection = TraceCollection()
    try run(tokens, index: 0, mode: mode, plan: plan, prefix: "", sink: collection)
    return collection.tensors(declarations)
  }

  /// Runs token sequences one after the other and writes what happens inside to a safetensors
  /// file, as it happens: of memory it takes no more than the keys and values of one sequence and
  /// the activations of one pass.
  ///
  /// - Parameters:
  ///   - prompts: Their names, followed by `/`, begin the names of their tensors.
  ///   - mode: What computes the linear modules; ``defaultMode`` if `nil`.
  ///   - detail: How much to keep.
  ///   - url: The file; it appears when it is complete.
  ///   - onTokens: Called before and between forward passes with the tokens done and the tokens of
  ///     all prompts; return `false` to stop, which leaves no file.
  /// - Throws: ``MeteoRAError`` for a sequence or mode that cannot be run, a sequence whose keys
  ///   and values the machine has no memory for, a file that cannot be written, or
  ///   ``MeteoRAError/cancelled(path:)``.
  public func writeTrace(
    of prompts: [NamedPrompt], mode: Mode? = nil, detail: TraceDetail = .summary, to url: URL,
    onTokens: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws(MeteoRAError) {
    let mode = mode ?? defaultMode
    let plan = try tracePlan(mode: mode, detail: detail)
    func prefix(_ prompt: NamedPrompt) -> String { prompt.name.map { "\($0)/" } ?? "" }
    let declarations = prompts.flatMap {
      plan.declarations(tokens: $0.tokens.count, prefix: prefix($0))
    }
    for (index, prompt) in prompts.enumerated() { try validate(prompt.tokens, index: index) }
    do throws(LlamaError) {
      // One sequence at a time has its keys and values.
      try base.requireMemory(
        forPositions: CollectionOfOne(prompts.map(\.tokens.count).max() ?? 0))
    } catch {
      throw .llama(error)
    }
    let writer: SafetensorsWriter
    do throws(SafetensorsError) {
      writer = try SafetensorsWriter(to: url, tensors: declarations)
    } catch {
      throw .safetensors(error)
    }
    let total = prompts.reduce(0) { $0 + $1.tokens.count }
    var done = 0
    for (index, prompt) in prompts.enumerated() {
      try run(
        prompt.tokens, index: index, mode: mode, plan: plan, prefix: prefix(prompt), sink: writer
      ) { rows throws(MeteoRAError) in
        guard onTokens(done, total) else { throw .cancelled(path: url.path) }
        done += rows
      }
    }
    do throws(SafetensorsError) {
      try writer.finish()
    } catch {
      throw .safetensors(error)
    }
  }

  private func validate(_ tokens: [Int], index: Int) throws(MeteoRAError) {
    do throws(LlamaError) {
      try base.configuration.validate(prompt: tokens, index: index)
    } catch {
      throw .llama(error)
    }
  }

  /// Throws if the machine has no memory for a collected trace and what is kept to run it.
  private func requireMemory(
    for declarations: [SafetensorsWriter.Declaration], tokens: Int
  ) throws(MeteoRAError) {
    var demand = MemoryDemand()
    for declaration in declarations {
      // The sizes of one row are those of a row that a pass holds anyway.
      let row = declaration.shape.dropFirst().reduce(declaration.dtype.byteCount, *)
      demand.add(tokens, times: row)
    }
    base.addCaches(ofPositions: CollectionOfOne(tokens), to: &demand)
    do throws(LlamaError) {
      try demand.require(for: "the trace of \(tokens) tokens")
    } catch {
      throw .llama(error)
    }
  }

  /// - Parameters:
  ///   - tokens: Valid ones.
  ///   - willRun: Called before every forward pass with its number of tokens.
  private func run(
    _ tokens: [Int], index: Int, mode: Mode, plan: TracePlan, prefix: String, sink: any TraceSink,
    willRun: (Int) throws(MeteoRAError) -> Void = { _ in }
  ) throws(MeteoRAError) {
    let evaluator = try evaluator(for: mode)
    let observer = TraceObserver(plan: plan, prefix: prefix, sink: sink)
    let state = SequenceState(for: base.configuration, expecting: tokens.count)
    let rows = min(Self.traceRows, base.rowsAtATime)
    for first in stride(from: 0, to: tokens.count, by: rows) {
      let part = Array(tokens[first..<min(first + rows, tokens.count)])
      try willRun(part.count)
      do throws(LlamaError) {
        _ = try base.forward(
          [SequenceInput(id: index, tokens: part, state: state)], logits: .all,
          evaluator: evaluator, observer: observer, parallelism: parallelism)
      } catch {
        throw .llama(error)
      }
      if let failure = observer.failure { throw .safetensors(failure) }
    }
  }

  /// Rows of a forward pass at most.
  private static var traceRows: Int { 256 }

  private func tracePlan(mode: Mode, detail: TraceDetail) throws(MeteoRAError) -> TracePlan {
    func plan(
      _ isChanged: [[Bool]], routing: (adapterCount: Int, topK: Int)? = nil
    ) -> TracePlan {
      TracePlan(
        configuration: base.configuration, isChanged: isChanged, routing: routing, detail: detail)
    }
    func plan(_ routed: RoutedEvaluator) -> TracePlan {
      plan(
        routed.modules.map { $0.map { $0 != nil } },
        routing: (routed.adapterCount, routed.router.topK))
    }
    switch mode {
    case .noAdapters:
      return plan(base.layers.map { _ in LinearModule.allCases.map { _ in false } })
    case .singleAdapter(let name):
      return plan(try adapter(named: name).updates.map { $0.map { $0 != nil } })
    case .routedAmong(let selection): return plan(try routedEvaluator(among: selection))
    }
  }
}
