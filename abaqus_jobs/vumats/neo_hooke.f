C     Compressible Neo-Hooke with damage (Simo 1987), from the stretch
C     U, in the frame of R (F = R U), where Cauchy's stress is
C        sigma = (1 - D) [ mu (b - 1) + lambda ln(J) 1 ] / J,  b = U U
C        W = mu/2 (tr b - 3) - mu ln J + lambda/2 (ln J)**2
C        D = Dmax (1 - exp(-Wmax / W0)),  Wmax: largest W so far
C     props: 1 mu, 2 lambda, 3 Dmax, 4 W0. State: 1 J, 2 Wmax, 3 D.
      subroutine vumat(
C Read only -
     1  nblock, ndir, nshr, nstatev, nfieldv, nprops, lanneal,
     2  stepTime, totalTime, dt, cmname, coordMp, charLength,
     3  props, density, strainInc, relSpinInc,
     4  tempOld, stretchOld, defgradOld, fieldOld,
     5  stressOld, stateOld, enerInternOld, enerInelasOld,
     6  tempNew, stretchNew, defgradNew, fieldNew,
C Write only -
     7  stressNew, stateNew, enerInternNew, enerInelasNew )
C
      include 'vaba_param.inc'
C
      dimension props(nprops), density(nblock), coordMp(nblock,*),
     1  charLength(nblock), strainInc(nblock,ndir+nshr),
     2  relSpinInc(nblock,nshr), tempOld(nblock),
     3  stretchOld(nblock,ndir+nshr),
     4  defgradOld(nblock,ndir+nshr+nshr),
     5  fieldOld(nblock,nfieldv), stressOld(nblock,ndir+nshr),
     6  stateOld(nblock,nstatev), enerInternOld(nblock),
     7  enerInelasOld(nblock), tempNew(nblock),
     8  stretchNew(nblock,ndir+nshr),
     9  defgradNew(nblock,ndir+nshr+nshr),
     1  fieldNew(nblock,nfieldv),
     2  stressNew(nblock,ndir+nshr), stateNew(nblock,nstatev),
     3  enerInternNew(nblock), enerInelasNew(nblock)
      character*80 cmname
      parameter ( zero = 0.d0, one = 1.d0, two = 2.d0, three = 3.d0,
     1  half = .5d0 )
C
      xmu = props(1)
      xla = props(2)
      do 100 i = 1, nblock
        u1 = stretchNew(i,1)
        u2 = stretchNew(i,2)
        u3 = stretchNew(i,3)
        u4 = stretchNew(i,4)
        u5 = zero
        u6 = zero
        if ( nshr .gt. 1 ) then
          u5 = stretchNew(i,5)
          u6 = stretchNew(i,6)
        end if
        if ( totalTime .eq. zero ) then
C         The data check: small strains about the stretch of 1.
          u1 = one + strainInc(i,1)
          u2 = one + strainInc(i,2)
          u3 = one + strainInc(i,3)
          u4 = strainInc(i,4)
        end if
        b1 = u1 * u1 + u4 * u4 + u6 * u6
        b2 = u4 * u4 + u2 * u2 + u5 * u5
        b3 = u6 * u6 + u5 * u5 + u3 * u3
        b4 = u1 * u4 + u4 * u2 + u6 * u5
        b5 = u4 * u6 + u2 * u5 + u5 * u3
        b6 = u1 * u6 + u4 * u5 + u6 * u3
        xj = u1 * ( u2 * u3 - u5 * u5 ) - u4 * ( u4 * u3 - u5 * u6 )
     1    + u6 * ( u4 * u5 - u2 * u6 )
        if ( xj .le. zero ) then
          call xplb_abqerr( -2, 'inverted, J = %R', 0, xj, ' ' )
          call xplb_exit
        end if
        xlnj = log( xj )
        w = half * xmu * ( b1 + b2 + b3 - three ) - xmu * xlnj
     1    + half * xla * xlnj * xlnj
        wmax = max( stateOld(i,2), w )
        damage = props(3) * ( one - exp( -wmax / props(4) ) )
        con = ( one - damage ) / xj
        stressNew(i,1) = con * ( xmu * ( b1 - one ) + xla * xlnj )
        stressNew(i,2) = con * ( xmu * ( b2 - one ) + xla * xlnj )
        stressNew(i,3) = con * ( xmu * ( b3 - one ) + xla * xlnj )
        stressNew(i,4) = con * xmu * b4
        if ( nshr .gt. 1 ) then
          stressNew(i,5) = con * xmu * b5
          stressNew(i,6) = con * xmu * b6
        end if
        stateNew(i,1) = xj
        stateNew(i,2) = wmax
        stateNew(i,3) = damage
        enerInternNew(i) = ( one - damage ) * w / ( xj * density(i) )
        enerInelasNew(i) = enerInelasOld(i)
  100 continue
      return
      end
