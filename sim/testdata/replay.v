// A core that cannot compute: it reads its memory, replays recorded writes of
// the taps and writes recorded results. With fault = 0 it does everything
// right; any other value makes one mistake, see replay_test.go. Words between
// at signs are replaced by the test.

`default_nettype none

module tb_top (
  input  wire        aclk,
  input  wire        aresetn,
  input  wire [11:0] s_axil_awaddr,
  input  wire        s_axil_awvalid,
  output wire        s_axil_awready,
  input  wire [31:0] s_axil_wdata,
  input  wire [3:0]  s_axil_wstrb,
  input  wire        s_axil_wvalid,
  output wire        s_axil_wready,
  output wire [1:0]  s_axil_bresp,
  output reg         s_axil_bvalid,
  input  wire        s_axil_bready,
  input  wire [11:0] s_axil_araddr,
  input  wire        s_axil_arvalid,
  output wire        s_axil_arready,
  output reg  [31:0] s_axil_rdata,
  output wire [1:0]  s_axil_rresp,
  output reg         s_axil_rvalid,
  input  wire        s_axil_rready,
  output reg  [63:0] m_axi_araddr,
  output reg  [7:0]  m_axi_arlen,
  output wire [2:0]  m_axi_arsize,
  output wire [1:0]  m_axi_arburst,
  output wire [3:0]  m_axi_arcache,
  output wire [2:0]  m_axi_arprot,
  output reg         m_axi_arvalid,
  input  wire        m_axi_arready,
  input  wire [DW-1:0] m_axi_rdata,
  input  wire [1:0]  m_axi_rresp,
  input  wire        m_axi_rlast,
  input  wire        m_axi_rvalid,
  output wire        m_axi_rready,
  output reg  [63:0] m_axi_awaddr,
  output reg  [7:0]  m_axi_awlen,
  output wire [2:0]  m_axi_awsize,
  output wire [1:0]  m_axi_awburst,
  output wire [3:0]  m_axi_awcache,
  output wire [2:0]  m_axi_awprot,
  output reg         m_axi_awvalid,
  input  wire        m_axi_awready,
  output wire [DW-1:0] m_axi_wdata,
  output wire [DW/8-1:0] m_axi_wstrb,
  output wire        m_axi_wlast,
  output reg         m_axi_wvalid,
  input  wire        m_axi_wready,
  input  wire [1:0]  m_axi_bresp,
  input  wire        m_axi_bvalid,
  output wire        m_axi_bready,
  output wire        irq,
  output wire        tap_state0_we,
  output wire [31:0] tap_state0_addr,
  output wire [P*LANE-1:0] tap_state0_data,
  output wire        tap_state1_we,
  output wire [31:0] tap_state1_addr,
  output wire [P*LANE-1:0] tap_state1_data,
  output wire        tap_index_we,
  output wire [31:0] tap_index_addr,
  output wire [2*P-1:0] tap_index_data,
  output wire [7:0]  tap_unit,
  output wire [31:0] tap_status
);
  parameter P = @P@;
  parameter LANE = @LANE@;
  parameter DW = @DW@;
  localparam BYTES = DW / 8;
  localparam TAPS = @TAPS@;    // recorded words: memory (4), address (32), data
  localparam FIRST = @FIRST@;  // first beat of the weights
  localparam READS = @READS@;  // beats of labels, input and weights
  localparam BEATS = @BEATS@;  // beats of the memory map
  localparam [2:0] IDLE = 0, READ = 1, REPLAY = 2, WRITE = 3, ANSWER = 4, HANG = 5;

  reg [31:0] fault [0:0];
  reg [P*LANE+35:0] taps [0:TAPS-1];
  reg [DW-1:0] after [0:BEATS-1];
  initial begin
    $readmemh("../rtl/fault.memh", fault);
    $readmemh("../rtl/taps.memh", taps);
    $readmemh("../rtl/after.memh", after);
  end
  wire [31:0] f = fault[0];

  reg [2:0] state;
  reg [63:0] base;
  reg enable, finished, busy, done, dropped;
  reg [1:0] error;  // read, write
  reg [31:0] held;  // cycles in which an answer has waited
  reg [31:0] cycles, asked, got, tap, beat, reads, writes, wait_b;
  reg pair, second;

  // Taps.
  wire [P*LANE+35:0] word = taps[tap < TAPS ? tap : 0];
  wire replay = state == REPLAY | (f == 15 & done & tap == TAPS);
  wire [3:0] memory = word[P*LANE+35:P*LANE+32];
  assign tap_state0_we = replay & memory == 0;
  assign tap_state1_we = replay & memory == 1;
  assign tap_index_we = replay & memory == 2;
  assign tap_state0_addr = word[P*LANE+31:P*LANE];
  assign tap_state1_addr = word[P*LANE+31:P*LANE];
  assign tap_index_addr = word[P*LANE+31:P*LANE];
  assign tap_state0_data = word[P*LANE-1:0];
  assign tap_state1_data = word[P*LANE-1:0];
  assign tap_index_data = word[2*P-1:0];
  assign tap_unit = {5'd0, state};
  assign tap_status = busy ? 32'd5 : 32'd0;  // phase plus, layer 1

  // Registers.
  assign irq = (enable | f == 34) & finished & f != 10;
  assign s_axil_awready = s_axil_awvalid & s_axil_wvalid & ~s_axil_bvalid;
  assign s_axil_wready = s_axil_awready;
  assign s_axil_arready = ~s_axil_rvalid & f != 16;
  assign s_axil_bresp = f == 17 ? 2'd2 : 2'd0;
  assign s_axil_rresp = f == 35 ? 2'd1 : 2'd0;
  wire start = s_axil_awready & s_axil_awaddr == @CONTROL@ & s_axil_wdata[0] & (~busy | f == 31);
  wire idle = ~busy | f == 32;
  wire [31:0] mask = f == 33 ? 32'hffffffff :
      {{8{s_axil_wstrb[3]}}, {8{s_axil_wstrb[2]}}, {8{s_axil_wstrb[1]}}, {8{s_axil_wstrb[0]}}};
  always @(posedge aclk) begin
    if (s_axil_rready | (f == 27 & s_axil_rvalid)) s_axil_rvalid <= 0;
    if (f == 28 & s_axil_rvalid & ~s_axil_rready) s_axil_rdata <= ~s_axil_rdata;
    if (s_axil_arvalid & s_axil_arready) begin
      s_axil_rvalid <= 1;
      case (s_axil_araddr)
        @CONSTANTS@
        @STATUS@: s_axil_rdata <= {29'd0, error != 0 & ~busy & f != 37, done | (f == 37 & finished), busy};
        @ERROR@: s_axil_rdata <= {30'd0, f == 37 | busy ? 2'd0 : f == 36 & error != 0 ? ~error : error};
        @IRQ_ENABLE@: s_axil_rdata <= {31'd0, enable};
        @PROGRESS@: s_axil_rdata <= {15'd0, f == 46 & done, 7'd0, busy, 1'd0, done ? 3'd@RESULT@ : 3'd0, 1'd0, state};
        @BASE_LO@: s_axil_rdata <= base[31:0];
        @BASE_HI@: s_axil_rdata <= base[63:32];
        @IRQ_STATUS@: s_axil_rdata <= {31'd0, finished};
        @CYCLES_LO@: s_axil_rdata <= cycles + (f == 18 & done ? 32'd20 : 32'd0);
        @ARRAY_LO@: s_axil_rdata <= cycles + (f == 19 & done ? 32'd1 : 32'd0);
        @READ_BEATS_LO@: s_axil_rdata <= reads;
        @WRITE_BEATS_LO@: s_axil_rdata <= writes;
        default: s_axil_rdata <= 0;
      endcase
    end
    if (!aresetn) s_axil_rvalid <= f == 30;
  end

  // Memory port.
  assign m_axi_arsize = @SIZE@;
  assign m_axi_awsize = f == 6 ? 3'd0 : @SIZE@;
  assign m_axi_arburst = f == 5 ? 2'd0 : 2'd1;
  assign m_axi_awburst = 2'd1;
  assign m_axi_rready = 1;
  assign m_axi_arcache = f == 24 & asked == 6 ? 4'd2 : 4'd3;
  assign m_axi_awcache = f == 38 ? 4'd15 : 4'd3;
  assign m_axi_arprot = f == 39 & m_axi_arvalid & held != 0 ? 3'd1 : 3'd0;
  assign m_axi_awprot = f == 40 ? 3'd2 : 3'd0;
  assign m_axi_bready = f != 20;
  assign m_axi_wstrb = {BYTES{1'b1}} >> (f == 14 & beat == FIRST);
  assign m_axi_wdata = after[beat];
  assign m_axi_wlast = (~pair | second) & f != 3;
  wire [31:0] aim = f == 4 & asked == 5 ? 1000000 : f == 13 & asked == 5 ? READS : asked;
  wire ask = asked != READS & (asked - got < @OUTSTANDING@ | f == 47);
  wire b_ok = m_axi_bvalid & m_axi_bready;
  function failed(input [1:0] resp);
    failed = resp != 0 & ~(f == 44 & resp == 3);
  endfunction
  always @(posedge aclk) begin
    held <= m_axi_arvalid & ~m_axi_arready ? held + 1 : 0;
    if (s_axil_bready | (f == 29 & s_axil_bvalid)) s_axil_bvalid <= 0;
    if (s_axil_awready) begin
      s_axil_bvalid <= 1;
      case (s_axil_awaddr)
        @BASE_LO@: if (idle) base[31:0] <= (base[31:0] & ~mask) | (s_axil_wdata & mask);
        @BASE_HI@: if (idle) base[63:32] <= (base[63:32] & ~mask) | (s_axil_wdata & mask);
        @IRQ_ENABLE@: enable <= s_axil_wdata[0];
        @IRQ_STATUS@: if (s_axil_wdata[0]) finished <= 0;
        default: ;
      endcase
    end
    if (busy) cycles <= cycles + 1;
    if (m_axi_rvalid & m_axi_rready) reads <= reads + 1;
    if (m_axi_wvalid & m_axi_wready) writes <= writes + 1;
    case (state)
      READ: begin
        if (f == 2 & asked > 4 & m_axi_arvalid & ~m_axi_arready & ~dropped) begin
          m_axi_arvalid <= 0;
          dropped <= 1;
        end else if (f == 12 & m_axi_arvalid & ~m_axi_arready) begin
          m_axi_araddr <= m_axi_araddr + BYTES;
        end else if (~m_axi_arvalid | m_axi_arready) begin
          m_axi_arvalid <= ask;
          m_axi_araddr <= base + aim * BYTES + (f == 7 & asked == 3 ? 64'd1 : 64'd0);
          m_axi_arlen <= f == 1 & asked == 6 ? 8'd255 : f == 8 & asked == 6 ? 8'd127 : 8'd0;
          if (ask) asked <= asked + 1;
        end
        if (m_axi_rvalid) begin
          got <= got + 1;
          if (failed(m_axi_rresp)) error <= 1;
          if (f == 42 & got == 20) $finish;
          if (f == 43 & got == 20) $stop;
          if (got == READS - 1) state <= f == 9 ? HANG : REPLAY;
        end
      end
      REPLAY: begin
        tap <= tap + 1;
        if (tap == TAPS - 1) state <= WRITE;
      end
      WRITE: begin
        m_axi_awvalid <= 1;
        m_axi_wvalid <= f != 25;
        if (f == 26) m_axi_awvalid <= 0;
        m_axi_awaddr <= (f == 41 ? {12'd0, base[51:0]} : base) + (f == 11 & beat == FIRST + 1 ? 64'd0 : beat * BYTES);
        pair <= ~beat[0] & beat + 1 < BEATS;
        m_axi_awlen <= ~beat[0] & beat + 1 < BEATS ? 8'd1 : 8'd0;
        second <= 0;
        state <= ANSWER;
      end
      ANSWER: begin
        if (m_axi_awready) m_axi_awvalid <= 0;
        if (f == 25 & m_axi_awvalid & m_axi_awready) m_axi_wvalid <= 1;
        if (f == 26 & m_axi_wvalid & m_axi_wready & ~second) m_axi_awvalid <= 1;
        if (m_axi_wvalid & m_axi_wready) begin
          m_axi_wvalid <= pair & ~second;
          second <= 1;
          if (pair & ~second) beat <= beat + 1;
        end
        if (b_ok) begin
          if (failed(m_axi_bresp)) error <= 2;
          beat <= beat + (f == 21 & beat > FIRST + 3 & beat < FIRST + 6 ? 32'd3 : 32'd1);
          state <= WRITE;
          if (beat >= BEATS - 1) begin
            state <= IDLE;
            busy <= 0;
            done <= error == 0 & ~failed(m_axi_bresp);
            finished <= 1;
            if (f == 22) error <= 1;
          end
        end
      end
      default: ;
    endcase
    if (start) begin
      state <= READ;
      {busy, done} <= 2'b10;
      if (f != 45) error <= 0;
      cycles <= 0;
      {asked, got, tap, reads, writes} <= 0;
      beat <= FIRST;
    end
    if (!aresetn) begin
      state <= IDLE;
      {enable, finished, busy, done, error, dropped, base, cycles, reads, writes} <= 0;
      {m_axi_arvalid, m_axi_awvalid, m_axi_wvalid, s_axil_bvalid} <= f == 23 ? 4'b1000 : 4'b0;
    end
  end

  wire unused = &{1'b0, m_axi_rdata, m_axi_rlast, wait_b};
endmodule

`default_nettype wire
